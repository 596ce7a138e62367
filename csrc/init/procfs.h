// Writes under /proc.
#pragma once

#include "context.h"

namespace oci {

// Writes `text` to `path` below the verified procfs `proc`: no symlink out, no magic link, no other mount.
Result write_proc(Context& ctx, int proc, Str path, Str text);

// Writes to a file of the own root's /proc: only before anything that is not trusted was joined or mounted.
Result write_own_proc(Context& ctx, const char* path, Str text);

}  // namespace oci
