#!/bin/bash
# test/sandbox.sh CMD… — runs CMD (the test suite, a shell, a bench) where a runtime that misbehaves
# can hurt nobody, then fails if anything was left behind.
#
# As root, CMD gets mount, pid, network, uts and cgroup namespaces of its own:
#   - the host's files are read-only; the checkout (and OCI_TS_SANDBOX_RW=dir:dir…) is writable
#   - /tmp, /run, /dev/shm start empty; /etc, /root, /home, /var, /opt, /mnt, /srv take writes that
#     are thrown away; "/" is rshared, as under systemd
#   - an ordinary user `oci-test` exists, with subordinate ids and a /run/user directory
#   - every cgroup hierarchy is rooted in a cgroup made for this run. So absolute, relative and
#     default cgroup paths all land below it, runs side by side can't see each other, and whatever is
#     there at the end is this run's. Where cgroup v2 has controllers, CMD itself sits in a child
#     `main`, because a cgroup with processes in it can't hand controllers on.
#   - where v1 and v2 are mixed, a hugetlb controller on the v2 side is mounted as v1 meanwhile:
#     crun < 1.29 refuses a mixture whose v2 side has controllers (OCI_TS_SANDBOX_HYBRID=keep
#     leaves it there).
# Then processes, cgroups, mounts, network interfaces and files are compared with those before.
# A leak is listed and makes the exit code 1, if CMD's own was 0.
#
# As an ordinary user CMD runs as it is, with OCI_TS_TEST_SUBSET=unit (see vitest.config.ts).
set -u
# Only slows every start of node down.
unset NODE_EXTRA_CA_CERTS
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$here")
. "$here/harness/sandbox-cgroups.sh"
. "$here/harness/sandbox-leaks.sh"

die() {
  echo "sandbox: $*" >&2
  exit 125
}

# Outside: make the namespaces, wait, remove the cgroups.
outer() {
  [ $# -gt 0 ] || die "usage: test/sandbox.sh CMD…"
  PATH=$checkout/node_modules/.bin:$PATH
  [ -z "${OCI_TS_SANDBOX:-}" ] || exec "$@"
  if [ "$(id -u)" != 0 ]; then
    echo "sandbox: not root: unit tests only, no isolation" >&2
    export OCI_TS_TEST_SUBSET=${OCI_TS_TEST_SUBSET:-unit}
    exec "$@"
  fi
  local top status list
  list=$(cgroups_list)
  cgroups_sweep "$list"
  top=$(mktemp -d /tmp/oci-ts-sandbox.XXXXXX) || die "no /tmp"
  # Unlike a pid, this name is unique across pid namespaces.
  export SANDBOX_TOP=$top SANDBOX_CWD=$PWD SANDBOX_CGROUP=oci-ts-test-${top##*.}
  setpriv --pdeathsig KILL \
    unshare --mount --propagation private --pid --fork --kill-child --net --uts \
    bash "$here/sandbox.sh" --stage2 "$@"
  status=$?
  cgroups_remove "$SANDBOX_CGROUP" "$list"
  [ -z "$(cgroups_mixed "$list")" ] || cgroups_return_hugetlb "$SANDBOX_CGROUP"
  rm -rf --one-file-system "$top"
  exit $status
}

# /sys for the new network namespace and /proc for the new pid namespace, without the host's below.
remount_virtual() {
  local extra type where
  extra=$(awk '$5 ~ "^/sys/" { for (i = 7; $i != "-"; i++); print $(i + 1), $5 }' /proc/self/mountinfo)
  umount -R -l /sys && mount -t sysfs -o nosuid,nodev,noexec sysfs /sys || die "cannot mount /sys"
  while read -r type where; do
    case $type in
      securityfs | bpf | debugfs | tracefs | configfs | fusectl | pstore | efivarfs)
        mount -t "$type" "$type" "$where" 2>/dev/null ;;
    esac
  done <<< "$extra"
  umount -R -l /proc && mount -t proc -o nosuid,nodev,noexec proc /proc || die "cannot mount /proc"
}

add_test_user() {
  local etc=$1 id=64000
  grep -q ^oci-test: "$etc/passwd" && return
  echo "oci-test:x:$id:$id::/home/oci-test:/bin/sh" >> "$etc/passwd"
  echo "oci-test:x:$id:" >> "$etc/group"
  echo "oci-test:6400000:65536" | tee -a "$etc/subuid" >> "$etc/subgid"
}

# The host's file systems become read-only; directories that programs write to as a matter of course
# get a throw-away layer.
protect_host() {
  local dir where top=$1
  mkdir "$top/etc" "$top/layer"
  cp -a /etc/. "$top/etc/" && add_test_user "$top/etc" || die "cannot copy /etc"
  while read -r where; do
    mount -o remount,bind,ro "$(printf %b "$where")" 2>/dev/null
  done < <(awk -v top="$top" '$5 != top && $5 !~ "^/(proc|sys)(/|$)" { print $5 }' /proc/self/mountinfo)
  mount --bind "$top/etc" /etc || die "cannot replace /etc"
  for dir in root home var opt mnt srv; do
    [ -d "/$dir" ] || continue
    mkdir -p "$top/layer/$dir/upper" "$top/layer/$dir/work"
    mount -t overlay -o "lowerdir=/$dir,upperdir=$top/layer/$dir/upper,workdir=$top/layer/$dir/work" \
      sandbox "/$dir" 2>/dev/null
  done
}

# fresh DIR MODE KEEP… — an empty DIR, but for the given directories below it, which stay.
# It is put together elsewhere (at a mount point that is free for now) and moved into place.
fresh() {
  local dir=$1 mode=$2 at=/sys/fs/cgroup keep
  shift 2
  mount -t tmpfs -o "mode=$mode" "sandbox-${dir##*/}" "$at" || die "cannot make a new $dir"
  for keep in "$@"; do
    case $keep/ in "$dir"/?*) ;; *) continue ;; esac
    [ -d "$keep" ] || continue
    mkdir -p "$at${keep#"$dir"}" && mount --rbind "$keep" "$at${keep#"$dir"}" || die "cannot keep $keep"
  done
  [ "$dir" != /tmp ] || umount -n -l "$SANDBOX_TOP"
  mount -n --move "$at" "$dir" || die "cannot replace $dir"
}

# Inside, as pid 1, still in the host's cgroup namespace.
stage2() {
  local top=$SANDBOX_TOP list dir
  local -a writable=()
  IFS=: read -r -a writable <<< "${OCI_TS_SANDBOX_RW:-}"
  writable+=("$checkout")
  case $SANDBOX_CWD/ in "$checkout"/*) ;; *) writable+=("$SANDBOX_CWD") ;; esac
  mount -t tmpfs -o mode=755 sandbox "$top" || die "cannot mount a tmpfs"
  # The new /tmp hides $top; what is needed of it later goes by this descriptor.
  exec 9< "$top"
  list=$(cgroups_list)
  if [ -n "$(cgroups_mixed "$list")" ] && cgroups_mount_hugetlb "$top/hugetlb"; then
    list+=$'\n'"cgroup hugetlb $top/hugetlb"
  fi
  SANDBOX_LINKS=$(find /sys/fs/cgroup -maxdepth 1 -type l -printf '%f %l\n')
  cgroups_enter "$SANDBOX_CGROUP" "$list" || die "cannot enter a cgroup of our own"
  SANDBOX_HIERARCHIES=${list/"$top/hugetlb"//sys/fs/cgroup/hugetlb}
  umount -n "$top/hugetlb" 2>/dev/null
  export SANDBOX_LINKS SANDBOX_HIERARCHIES

  remount_virtual
  protect_host "$top"
  touch "$top/started"
  [ ! -d /dev/shm ] || fresh /dev/shm 1777
  fresh /run 755 /run/systemd /run/dbus /run/udev "${writable[@]}"
  fresh /tmp 1777 "${writable[@]}"
  for dir in "${writable[@]}"; do
    mount --bind "$dir" "$dir" && mount -o remount,bind,rw "$dir" || die "cannot bind $dir"
  done
  mkdir -p /run/lock /run/user/64000 /home/oci-test
  chown 64000:64000 /run/user/64000 /home/oci-test
  chmod 700 /run/user/64000 /home/oci-test
  ip link set lo up
  exec unshare --cgroup bash "$here/sandbox.sh" --stage3 "$@"
}

# Inside for good.
stage3() {
  local list=$SANDBOX_HIERARCHIES before status
  cgroups_mount "$list" "$SANDBOX_LINKS" || die "cannot mount the cgroup hierarchies"
  cgroups_step_aside "$list" || die "cannot make a cgroup for the suite itself"
  mount --make-rshared /
  cd "$SANDBOX_CWD" || die "no $SANDBOX_CWD"
  before=$(leaks_snapshot "$list")
  unset SANDBOX_TOP SANDBOX_CWD SANDBOX_CGROUP SANDBOX_HIERARCHIES SANDBOX_LINKS
  OCI_TS_SANDBOX=1 "$@" 9<&-
  status=$?
  leaks_check "$before" "$list" || [ $status != 0 ] || status=1
  exit $status
}

case ${1:-} in
  --stage2) stage2 "${@:2}" ;;
  --stage3) stage3 "${@:2}" ;;
  *) outer "$@" ;;
esac
