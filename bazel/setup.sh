# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What ./iovalid and ./test share: the Debian packages and a working bazel. Sourced with $root set to
# the top of the tree. Writes to stderr only; ends the program with 2 when something cannot be had.

die() {
  printf 'iovalid: %s\n' "$*" >&2
  exit 2
}

# Names the packages of bazel/packages.txt, or of another list, that are not installed, one a line.
missing_packages() {
  local wanted installed
  wanted=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/bazel/${1:-packages.txt}" | sort -u)
  # shellcheck disable=SC2086  # one argument a package
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' $wanted 2>/dev/null |
    sed -n 's/^ii *//p' | sort -u)
  comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

# Installs what is missing of a list. Needs the network only then, and root or sudo.
ensure_packages() {
  command -v dpkg-query >/dev/null ||
    die "needs Debian 12 (no dpkg here); the packages are listed in bazel/packages.txt"
  local missing as_root=()
  missing=$(missing_packages "$@")
  [[ -z $missing ]] && return
  missing=${missing//$'\n'/ }
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || die "missing packages, and neither root nor sudo: $missing"
    as_root=(sudo)
  fi
  printf 'iovalid: installing %s\n' "$missing" >&2
  # shellcheck disable=SC2206  # one argument a package
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q
    --no-install-recommends $missing)
  # Where the package lists are fresh the first attempt does; otherwise they are fetched once.
  if ! "${install[@]}" >/dev/null 2>&1 </dev/null; then
    "${as_root[@]}" apt-get update -q >&2 </dev/null || die "cannot fetch the package lists"
    "${install[@]}" >&2 </dev/null || die "cannot install: $missing"
  fi
}

# Bazel talks to its server over the loopback device. In a network namespace of its own (unshare
# --net) that device starts out down, and Bazel would wait two minutes for nothing.
ensure_loopback() {
  python3 -B "$root/bazel/loopback.py" ||
    die 'the loopback device is down, and Bazel needs it: ip link set lo up'
}

# Bazel keeps its files under ~/.cache and does not start without a home directory.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$EUID" | cut -d: -f6)
  export HOME
fi

# Runs bazel at the top of the tree. Its server outlives the call, so it gets no lock to hold.
in_tree_bazel() {
  (cd "$root" && exec bazel "$@" 9>&-)
}
