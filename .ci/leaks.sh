# Sourced by .ci/run: what the steps left on the host itself. (What a suite leaves in its sandbox is
# found at the sandbox's end.) Only things that bear our name or that are ours alone to make count,
# since other work may go on beside us.

# A sandbox that is still running, ours or somebody's, owns what carries its name.
sandbox_runs() {
  local dir
  for dir in /sys/fs/cgroup/"oci-ts-test-$1" /sys/fs/cgroup/*/"oci-ts-test-$1"; do
    [ ! -d "$dir" ] || [ -z "$(find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null)" ] || return 0
  done
  return 1
}

host_state() {
  local dir
  awk '{ print "mount", $5 }' /proc/self/mountinfo
  find /sys/class/net -mindepth 1 -maxdepth 1 -printf 'interface %f\n'
  # A directory that is not there, or goes while it is read, is no matter.
  find /run/oci-ts /run/netns -mindepth 1 -maxdepth 1 -printf 'file %p\n' 2>/dev/null || true
  find /tmp /dev/shm -mindepth 1 -maxdepth 1 -name '*oci-ts*' -printf 'file %p\n' 2>/dev/null || true
  find /sys/fs/cgroup -type d -name '*oci-ts*' -prune -printf 'cgroup %p\n' 2>/dev/null || true
  for dir in /proc/[0-9]*; do
    case $(readlink "$dir/exe" 2>/dev/null || true) in
      /memfd:oci-ts*) echo "process ${dir#/proc/} $(tr '\0' ' ' 2>/dev/null < "$dir/cmdline")" ;;
    esac
  done
}

# host_leaks BEFORE — prints what has come since and fails if that is anything.
host_leaks() {
  local new line left=0
  for _ in 1 2 3 4 5; do
    new=$(comm -13 <(sort "$1") <(host_state | sort))
    [ -n "$new" ] || return 0
    sleep 1
  done
  while read -r line; do
    case $line in *oci-ts-sandbox.* | *oci-ts-test-*) ! sandbox_runs "${line##*[.-]}" || continue ;; esac
    echo "left on the host: $line"
    left=1
  done <<< "$new"
  return $left
}
