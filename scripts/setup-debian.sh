#!/bin/bash
# Installs everything that building and testing oci-ts needs on Debian 12 or newer, as root:
# packages by apt, and the peer runtimes (runc, crun) that the differential tests and the
# benchmark compare with, unpacked under .cache/peers and used from there only.
# Idempotent; a call with nothing to do takes well under a second.
#
#   bash scripts/setup-debian.sh [--no-peers]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/apt-apart.sh

die() {
  echo "setup-debian: $*" >&2
  exit 1
}

packages=(
  # build: the addon, the init program, their formatting, sanitizers and fuzzer
  g++ make python3 clang clang-format libclang-rt-dev
  # build for arm64, and run the result
  crossbuild-essential-arm64 qemu-user-static
  # test: root filesystems, id mapping, seccomp, sandbox, peers
  busybox-static uidmap libseccomp2 util-linux iproute2 procps patchelf
  # test:vm
  qemu-system-x86 debootstrap e2fsprogs cpio xz-utils
)

install_packages() {
  local missing
  missing=$(comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u))
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || die "run as root to install:" $missing
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  # shellcheck disable=SC2086 # a list of words
  apt-get install -q -y --no-install-recommends $missing
}

# runc and crun re-execute themselves from a sealed copy (a memfd), which rules out a wrapper
# script around sid's ld.so. The interpreter's path inside the program does survive that.
patch_program() {
  local program=$1 lib=$2 interpreter=$3
  patchelf --set-interpreter "$interpreter" --force-rpath --set-rpath "$lib" "$program"
}

install_peers() {
  local peers=$PWD/.cache/peers work deb lib interpreter name
  # The paths are absolute in the programs, so a checkout that was moved does it again.
  [ "$(cat "$peers/complete" 2>/dev/null)" = "$peers" ] && return 0
  work=$PWD/.cache/peers.work
  rm -rf --one-file-system "$peers" "$work"
  mkdir -p "$work/root" "$peers/bin" "$peers/lib"
  # Debian's newest, whatever this system is; with all their libraries, libc included.
  apt_apart_download "$work" sid runc crun
  for deb in "$work"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/root" --exclude=./usr/share --exclude='*/gconv/*'
  done
  find "$work/root" \( -type f -o -type l \) \( -name 'lib*.so.*' -o -name 'ld-linux*.so.*' \) \
    -exec cp -L -n -t "$peers/lib" {} \;
  lib=$peers/lib
  interpreter=$(find "$lib" -name 'ld-linux*' | head -n 1)
  [ -n "$interpreter" ] || die "the peers' libc6 has no ld-linux"
  chmod 755 "$interpreter"
  for name in runc crun; do
    cp "$(find "$work/root" -type f -path "*/*bin/$name" | head -n 1)" "$peers/bin/$name"
    patch_program "$peers/bin/$name" "$lib" "$interpreter"
    "$peers/bin/$name" --version > "$peers/$name.version" || die "$name does not run"
  done
  rm -rf --one-file-system "$work"
  echo "$peers" > "$peers/complete"
  echo "setup-debian: $(head -qn 1 "$peers"/*.version | paste -sd, -) in .cache/peers/bin"
}

[ -r /etc/debian_version ] || die "this script knows Debian only"
mkdir -p .cache
exec 9> .cache/setup.lock
flock 9
install_packages
[ "${1:-}" = --no-peers ] || install_peers
