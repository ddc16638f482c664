#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# embed.sh HEADER NAMESPACE FUNCTION PREFIX FILE...: writes the C++ source of a function of HEADER that
# returns the files as {path below PREFIX, contents}.
set -eu
export LC_ALL=C
header=$1 namespace=$2 function=$3 prefix=$4
shift 4
echo "#include \"$header\""
echo "namespace $namespace {"
echo "std::vector<std::pair<std::string, std::string>> $function() {"
echo '  return {'
for file in $(printf '%s\n' "$@" | sort); do
  printf '      {"%s", R"~~(' "${file#*"$prefix"}"
  cat "$file"
  echo ')~~"},'
done
echo '  };'
echo '}'
echo "}  // namespace $namespace"
