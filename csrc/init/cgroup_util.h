// What several cgroup steps have in common. Cgroups are walked by directory fds; one that is gone is none.
#pragma once

#include "file_util.h"

namespace oci {

// A cgroup vanished: its directory (ENOENT), or it is being removed (ENODEV).
inline bool is_gone(long rc) {
  return rc == -ENOENT || rc == -ENODEV;
}

// Opens the cgroup directory `path`.
long open_cgroup(int dir, const char* path);

// Writes a short text to a file of a cgroup. 0 or -errno.
long write_control(int cgroup, const char* file, Str text);

// Reads a file of a cgroup. -errno on failure.
template <usize N>
long read_control(int cgroup, const char* file, FixedString<N>& out) {
  long n = read_file(cgroup, file, out.data(), N - 1);
  if (n >= 0) out.set_size(static_cast<usize>(n));
  return n;
}

// Calls `visit(cgroup fd)` for a cgroup and all below it, parents first. Stops at the first that does not
// return 0, and returns that.
using Visit = long (*)(int cgroup, void* argument);
long walk_cgroups(int cgroup, Visit visit, void* argument);

// Calls `visit(pid)` for each process of one cgroup (not of those below). Processes that have no number in
// our pid namespace are left out.
using VisitPid = long (*)(i32 pid, void* argument);
long each_process(int cgroup, VisitPid visit, void* argument);

// Kills everything in a cgroup and below it, by cgroup.kill or one by one. 0 or -errno.
long kill_all(int cgroup);

}  // namespace oci
