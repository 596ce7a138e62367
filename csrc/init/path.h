// Paths inside a root that is not trusted: resolved by openat2(RESOLVE_IN_ROOT), then only worked on by fd.
#pragma once

#include "context.h"

namespace oci {

// openat2(RESOLVE_IN_ROOT | extra): `root` is taken as `/`, nothing leads out of it. Tries again on EAGAIN (a
// rename raced). `flags`: O_*, O_CLOEXEC is added. The fd, or -errno.
long open_in_root(int root, Str path, u64 flags, u64 mode = 0, u64 extra = 0);

// openat2 with any RESOLVE_* and the same patience.
long open_resolved(int dir, const char* path, u64 flags, u64 mode, u64 resolve);

// Opens (O_PATH) the directory `path` in `root`, making what is missing of it component by component on fds,
// each with exactly `mode`; a symlink to something missing makes its target, in the root as well. ENOTDIR if
// something else is there. `made`: whether the last component is new.
Result make_dirs_in_root(Context& ctx, int root, Str path, u32 mode, Fd& out, bool* made = nullptr);

// Opens (O_PATH) the directory that holds the last component of `path`, and gives that component's name:
// never empty,
// `.` or `..` (EINVAL). `make`: missing directories are made (0755).
Result open_parent_in_root(Context& ctx, int root, Str path, bool make, Fd& parent, FixedString<256>& leaf);

// Makes a file `path` in `root`, to be mounted on: parents as well; an existing non-directory is taken.
// O_PATH.
Result make_file_in_root(Context& ctx, int root, Str path, u32 mode, Fd& out);

// "/proc/self/fd/N", for calls that have no fd form.
FixedString<32> fd_path(int fd);

}  // namespace oci
