#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# embed.sh FUNCTION PREFIX FILE...: writes the C++ source of a function of built_in.h that returns the
# files as {path below PREFIX, contents}.
set -eu
export LC_ALL=C
function=$1 prefix=$2
shift 2
echo '#include "conformance/catalogue/built_in.h"'
echo 'namespace iovalid::conformance {'
echo "std::vector<std::pair<std::string, std::string>> $function() {"
echo '  return {'
for file in $(printf '%s\n' "$@" | sort); do
  printf '      {"%s", R"~~(' "${file#*"$prefix"}"
  cat "$file"
  echo ')~~"},'
done
echo '  };'
echo '}'
echo '}  // namespace iovalid::conformance'
