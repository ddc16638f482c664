#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# embed.sh FILE...: writes the C++ source of the function of assets.h that returns the files as {name
# without directories, contents}.
set -eu
export LC_ALL=C
echo '#include "conformance/report/assets.h"'
echo 'namespace iovalid::conformance::report {'
echo 'std::vector<std::pair<std::string, std::string>> Assets() {'
echo '  return {'
for file in $(printf '%s\n' "$@" | sort); do
  printf '      {"%s", R"~~(' "${file##*/}"
  cat "$file"
  echo ')~~"},'
done
echo '  };'
echo '}'
echo '}  // namespace iovalid::conformance::report'
