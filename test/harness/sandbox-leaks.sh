# Sourced by test/sandbox.sh: what a run left behind.

# Processes other than this shell, as `process PID COMMAND` lines in the variable PROCESSES.
# Shell builtins only, so that it does not find helpers of its own.
leaks_processes() {
  local dir line
  PROCESSES=
  for dir in /proc/[0-9]*; do
    [ "${dir#/proc/}" != $$ ] || continue
    mapfile -d '' -t line 2>/dev/null < "$dir/cmdline" || continue
    [ ${#line[@]} -gt 0 ] || read -r -a line 2>/dev/null < "$dir/comm" || continue
    PROCESSES+="process ${dir#/proc/} ${line[*]}"$'\n'
  done
}

# Everything else that could leak, one line each, a word for the kind first.
leaks_snapshot() {
  local layer
  awk '{ for (i = 7; $i != "-"; i++); print "mount", $5, "(" $(i + 1) ")" }' /proc/self/mountinfo
  cgroups_below "$1" | sed 's/^/cgroup /'
  ls /sys/class/net | sed 's/^/interface /'
  echo "hostname $(uname -n)"
  # Caches of node and npm are theirs to keep; so is an empty state directory, and crun's caches.
  find /tmp /run /dev/shm -xdev -mindepth 1 ! -path '/tmp/node-compile-cache*' \
    ! -path '/tmp/v8-compile-cache*' ! -path /run/lock ! -path '/run/user*' ! -path /run/oci-ts \
    ! -path /run/runc ! -path /run/crun ! -path '/run/crun/.*' -printf 'file %p\n' -prune
  find /run/user/ -mindepth 2 -printf 'file %p\n' -prune
  # Writes to the throw-away layers over /var, /mnt …: a runtime has no business there.
  for layer in var opt mnt srv; do
    find "/proc/$$/fd/9/layer/$layer/upper" -mindepth 1 ! -type d -printf "file /$layer/%P\n" 2>/dev/null
  done
  find /etc -newer "/proc/$$/fd/9/started" ! -type d -printf 'file %p\n'
}

# leaks_check BEFORE HIERARCHIES — prints what there is beyond a snapshot; fails if that is anything.
# Processes on their way out and cgroups being freed get three seconds.
leaks_check() {
  local before=$1 list=$2 new
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    leaks_processes
    new=$PROCESSES$(comm -13 <(sort <<< "$before") <(leaks_snapshot "$list" | sort))
    [ -n "$new" ] || return 0
    sleep 0.3
  done
  {
    echo "sandbox: left behind:"
    head -n 60 <<< "$new" | sed 's/^/  /'
    [ "$(wc -l <<< "$new")" -le 60 ] || echo "  … and $(($(wc -l <<< "$new") - 60)) more"
  } >&2
  return 1
}
