# Sourced by test/sandbox.sh: one cgroup per hierarchy for a run, entered, seen as the root by what
# runs inside (a cgroup namespace), and removed with everything below at the end.
#
# A hierarchy is one line: its type (cgroup, cgroup2), its mount options, its mount point.

cgroups_list() {
  awk '{ for (i = 7; $i != "-"; i++); if ($(i + 1) ~ /^cgroup2?$/ && !seen[$(i + 3)]++)
           print $(i + 1), ($(i + 1) == "cgroup" ? $(i + 3) : "-"), $5 }' /proc/self/mountinfo |
    sed -E 's/(^| )rw,/\1/; s/,(x?attr|clone_children|noprefix|release_agent=[^ ,]*)\b//g'
}

# The mount point of a v2 hierarchy beside v1 ones, if any.
cgroups_mixed() {
  grep -q '^cgroup ' <<< "$1" && sed -n 's/^cgroup2 - //p' <<< "$1"
}

# Mounts hugetlb as v1 at $1, wherever the kernel has it now. Fails, harmlessly, where v2 uses it.
cgroups_mount_hugetlb() {
  [ "${OCI_TS_SANDBOX_HYBRID:-}" != keep ] && grep -q '^hugetlb' /proc/cgroups || return
  mkdir -p "$1" && mount -n -t cgroup -o hugetlb cgroup "$1" 2>/dev/null
}

# Removes cgroup $1 from that v1 hierarchy and gives hugetlb back to v2, unless others still use it.
# The hierarchy outlives its last mount while a dead cgroup in it is being freed; mounting and
# unmounting it once more afterwards is what ends it.
cgroups_return_hugetlb() {
  local at
  at=$(mktemp -d /tmp/oci-ts-hugetlb.XXXXXX) || return
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    awk '$1 == "hugetlb" && $2 { on = 1 } END { exit !on }' /proc/cgroups || break
    unshare --mount --propagation private sh -c '
      mount -n -t cgroup -o hugetlb cgroup "$1" || exit
      find "$1" -depth -type d \( -path "$1/$2*" -o -path "$1/oci-ts-test-*" -mmin +60 \) \
        -exec rmdir {} + 2>/dev/null
      rest=$(find "$1" -mindepth 1 -type d)
      umount -n "$1" && [ -z "$rest" ]' sh "$at" "$1" || break
    sleep 0.1
  done
  rmdir "$at"
}

# Makes cgroup $1 in every hierarchy of the list $2 and moves this process there.
# A v1 cpuset is unusable before it has cpus and mems; v2 controllers must be handed down.
cgroups_enter() {
  local type options mount dir file
  while read -r type options mount; do
    dir=$mount/$1
    mkdir "$dir" || return
    if [ "$type" = cgroup2 ]; then
      for file in $(cat "$mount/cgroup.controllers"); do
        echo "+$file" 2>/dev/null > "$mount/cgroup.subtree_control"
      done
    elif [[ ,$options, = *,cpuset,* ]]; then
      for file in cpuset.cpus cpuset.mems; do cat "$mount/$file" > "$dir/$file"; done
    fi
    echo 0 > "$dir/cgroup.procs" || return
  done <<< "$2"
}

# Mounts the hierarchies anew, inside the cgroup namespace, where the host has them.
cgroups_mount() {
  local list=$1 links=$2 type options mount name target
  if ! grep -q '^cgroup ' <<< "$list"; then
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
    return
  fi
  mount -t tmpfs -o nosuid,nodev,noexec,mode=755 cgroup /sys/fs/cgroup || return
  while read -r type options mount; do
    mkdir -p "$mount"
    [ "$options" = - ] && options=
    mount -t "$type" -o "nosuid,nodev,noexec${options:+,$options}" "$type" "$mount" || return
  done <<< "$list"
  while read -r name target; do
    [ -z "$name" ] || ln -s "$target" "/sys/fs/cgroup/$name"
  done <<< "$links"
}

# Moves this process (alone in the run's cgroup so far) to `main` below the v2 root, if it has
# controllers: they can't be handed further down while a process is in the cgroup itself. To be done
# inside the namespace, whose root is the cgroup of whoever makes it.
cgroups_step_aside() {
  local type options mount
  while read -r type options mount; do
    [ "$type" = cgroup2 ] && [ -n "$(cat "$mount/cgroup.controllers")" ] || continue
    mkdir "$mount/main" && echo $$ > "$mount/main/cgroup.procs" || return
  done <<< "$1"
}

# Cgroups below the roots of the list, the suite's own `main` aside.
cgroups_below() {
  local type options mount
  while read -r type options mount; do
    find "$mount" -mindepth 1 -type d ! -path "$mount/main"
  done <<< "$1"
}

# Ends what is left in the run's cgroups (its pid namespace is gone by then: at most processes that
# joined from outside) and removes them.
cgroups_remove() {
  local type options mount dir
  while read -r type options mount; do
    [ -d "$mount/$1" ] || continue
    [ -e "$mount/$1/cgroup.kill" ] && echo 1 > "$mount/$1/cgroup.kill"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      find "$mount/$1" -depth -type d -exec rmdir {} + 2>/dev/null
      [ -d "$mount/$1" ] || break
      sleep 0.2
    done
    [ ! -d "$mount/$1" ] || echo "sandbox: cannot remove cgroup $mount/$1" >&2
  done <<< "$2"
}

# Removes what runs that were killed left, an hour later, and only what is empty.
cgroups_sweep() {
  local type options mount
  while read -r type options mount; do
    find "$mount" -maxdepth 1 -type d -name 'oci-ts-test-*' -mmin +60 \
      -exec find {} -depth -type d -exec rmdir {} + \; 2>/dev/null
  done <<< "$1"
}
