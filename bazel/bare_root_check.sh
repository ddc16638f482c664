#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs ./test and ./iovalid in a minimal Debian 12 root: first with the network, as on a fresh system,
# then, with everything rebuilt, with the network cut. Needs root and debootstrap.
#
#   bazel/bare_root_check.sh MIRROR [ROOT] [-- IOVALID_ARGUMENT...]
#
#   MIRROR   a Debian mirror, for example http://deb.debian.org/debian
#   ROOT     where to make the root; one that is there already is used as it is. By default a new
#            temporary directory, removed at the end.
#
# After --, what ./iovalid is called with besides --help, for example
#   replay traces/captures/qemu-11.1-type1-7.3.iovt
# Exit codes 0 and 1 of that call are both fine: 1 says that it found differences.

set -euo pipefail

tree=$(cd "$(dirname "$0")/.." && pwd)
[[ $# -ge 1 && $1 != -* ]] || {
  sed -n 's/^# \{0,1\}//; 4,15p' "$0" >&2
  exit 2
}
mirror=$1
shift
root='' made=''
if [[ $# -gt 0 && $1 != -- ]]; then
  root=$1
  shift
fi
[[ ${1-} == -- ]] && shift
if [[ -z $root ]]; then
  root=$(mktemp -d)
  made=$root
fi

mounted=()
cleanup() {
  local i busy=''
  # The Bazel servers of this root, and no others: they keep the mounts busy.
  chroot "$root" /bin/bash -c 'cd /iovalid && bazel shutdown' >/dev/null 2>&1 || true
  for ((i = ${#mounted[@]} - 1; i >= 0; --i)); do
    umount --recursive "${mounted[i]}" 2>/dev/null || umount --recursive --lazy "${mounted[i]}" || busy=1
  done
  [[ -z $made || -n $busy ]] || rm -rf --one-file-system "$made"
}
trap cleanup EXIT

say() { printf '== %s\n' "$*"; }

if [[ ! -x $root/bin/bash ]]; then
  say 'making the root'
  debootstrap --variant=minbase bookworm "$root" "$mirror" >/dev/null
fi
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
# Proxies, and whatever else decides how this machine fetches packages.
apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/90-this-machine" || true
for what in proc dev; do
  # debootstrap can leave its own /proc behind.
  if mountpoint -q "$root/$what"; then umount --recursive "$root/$what"; fi
  mount --rbind "/$what" "$root/$what"
  mount --make-rslave "$root/$what"
  mounted+=("$root/$what")
done

say 'copying the tree, without what git ignores'
rm -rf "$root/iovalid"
mkdir "$root/iovalid"
tar -C "$tree" --exclude=./.git --exclude=./.build --exclude=./compile_commands.json -cf - . |
  tar -C "$root/iovalid" --no-same-owner -xf -

# The environment of a fresh login.
inside() {
  chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/bash -c "cd /iovalid && $1"
}
# The same in a network namespace with nothing in it.
inside_cut_off() {
  unshare --net chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/bash -c "cd /iovalid && $1"
}

log=$root/iovalid-check.log
: >"$log"
# step RUNNER NAME COMMAND: shows the last line and the time; a failure shows the log and ends.
step() {
  local begin=$SECONDS code=0 out
  out=$("$1" "$3" 2>>"$log") || code=$?
  printf '%-44s exit %d, %d s: %s\n' "$2" "$code" $((SECONDS - begin)) "${out##*$'\n'}"
  if [[ $code -gt ${4:-0} ]]; then
    printf '%s\n' "$out" | tail -n 40
    tail -n 40 "$log"
    exit 1
  fi
}

call=''
for argument in "$@"; do call+=" $(printf %q "$argument")"; done
for runner in inside inside_cut_off; do
  say "$runner"
  step $runner './test' './test'
  step $runner './iovalid --help' './iovalid --help'
  [[ -z $call ]] || step $runner "./iovalid$call" "./iovalid$call" 1
  step $runner 'again, nothing to build' \
    'begin=$(date +%s%N); ./iovalid --help >/dev/null && echo "$((($(date +%s%N) - begin) / 1000000)) ms"'
  # The second round builds everything anew, so that nothing hides a missing download.
  inside 'bazel shutdown; rm -rf .build ~/.cache/bazel' >>"$log" 2>&1
done
say 'passed'
