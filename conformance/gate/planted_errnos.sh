#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows that the gate sees a wrong errno: in a copy of the tree, one line of a model at a time is changed
# to answer with another errno, and `iovalid gate traces/` must fail and name a step.
#
#   conformance/gate/planted_errnos.sh [BAZEL_OPTION...]
#
# BAZEL_OPTIONs are options of `bazel build`, for example --jobs=2 --disk_cache=DIRECTORY. Ends with 0 if
# every plant was seen. Takes a build of the program and then a compilation of one file and a link for each.

set -euo pipefail

tree=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'cd /; bazel --output_user_root="$copy/bazel" shutdown >/dev/null 2>&1 || true; chmod -R u+w "$copy"; rm -rf "$copy"' EXIT
mkdir "$copy/tree"
(cd "$tree" && git ls-files -z | tar -c --null -T - -f -) | tar -x -C "$copy/tree" -f -
cd "$copy/tree"

# FILE, the answer as it stands there once, and the planted one.
plants=(
  'compat/type1/map.cc|Fail(Errno::kEXIST, kMapOverlap)|Fail(Errno::kBUSY, kMapOverlap)'
  'compat/type1/map.cc|Fail(Errno::kINVAL, kMapRange)|Fail(Errno::kFAULT, kMapRange)'
  'compat/type1/map.cc|Fail(Errno::kNOSPC, kMapLimit)|Fail(Errno::kNOMEM, kMapLimit)'
  'compat/type1/unmap.cc|Fail(Errno::kINVAL, kUnmapSize)|Fail(Errno::kOVERFLOW, kUnmapSize)'
  'compat/type1/dirty.cc|Fail(Errno::kACCES, kDirtyV1)|Fail(Errno::kPERM, kDirtyV1)'
  'ioas/map.cc|Failure(sim::Errno::kEXIST, rules::kOverlap)|Failure(sim::Errno::kADDRINUSE, rules::kOverlap)'
  'ioas/map.cc|Failure(sim::Errno::kINVAL, rules::kReserved)|Failure(sim::Errno::kADDRINUSE, rules::kReserved)'
  'ioas/unmap.cc|Failure(sim::Errno::kNOENT, rules::kUnmapPartial)|Failure(sim::Errno::kINVAL, rules::kUnmapPartial)'
  'ioas/domains.cc|Failure(sim::Errno::kADDRINUSE, rules::kReserveInUse)|Failure(sim::Errno::kBUSY, rules::kReserveInUse)'
  'compat/iommufd/vfio_compat.cc|Fail(Errno::kNOTTY, rules::kCompatDirtyPages)|Fail(Errno::kINVAL, rules::kCompatDirtyPages)'
)

gate() {
  bazel --output_user_root="$copy/bazel" build --config=opt "${options[@]}" //conformance/cli:iovalid \
    >"$copy/build.log" 2>&1 || {
    tail -20 "$copy/build.log"
    return 3
  }
  "$(bazel --output_user_root="$copy/bazel" info --config=opt bazel-bin 2>/dev/null)/conformance/cli/iovalid" gate traces/ >"$copy/gate.log"
}

options=("$@")
gate || {
  echo 'the gate does not pass before anything is planted'
  exit 1
}
unseen=0
for plant in "${plants[@]}"; do
  IFS='|' read -r file from to <<<"$plant"
  [[ $(grep -cF -- "$from" "$file") == 1 ]] || {
    echo "$file: '$from' does not stand there once"
    exit 1
  }
  cp "$file" "$copy/before"
  FROM=$from TO=$to python3 - "$file" <<'PY'
import os, sys
text = open(sys.argv[1]).read()
open(sys.argv[1], "w").write(text.replace(os.environ["FROM"], os.environ["TO"]))
PY
  code=0
  gate || code=$?
  cp "$copy/before" "$file"
  if [[ $code == 1 ]]; then
    echo "seen: $file: $to"
    grep -m1 -E 'unexplained:|wrong-errno:' "$copy/gate.log" | cut -c1-200
  else
    echo "NOT SEEN ($code): $file: $to"
    unseen=1
  fi
done
exit $unseen
