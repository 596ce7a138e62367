// Mounts by mount(2), where the fd-based calls are missing, are forbidden by a filter around us, or can't
// carry the options: older filesystems, long or comma-laden values.
#pragma once

#include "resolve.h"

namespace oci {

// A new filesystem, mounted aside: on top of `root` itself, which no name in the root can redirect. `out` is
// its root. It still is to be moved to its place (attach_tree), at once.
Result legacy_mount_aside(Context& ctx, int root, Str fstype, Str source, u64 ms_flags, Str data, Fd& out);

// A bind mount of what `source` (an fd) is. A directory is mounted aside, as above, and `placed` is false; a
// file straight on `target`, whose name `path` is opened again and must then be the same file on a mount of
// its own.
Result legacy_bind(Context& ctx, int root, int source, bool recursive, int target, Str path, Fd& out,
                   bool& placed);

// mount(2)'s flags for names like those of fsconfig(2). False: there is no such flag.
bool ms_flag_of_name(Str name, u64& set);

}  // namespace oci
