// tmpcopyup: the content of the directory that a new filesystem will cover, copied into it.
#pragma once

#include "context.h"

namespace oci {

// Copies everything in the directory `from` (an fd, O_PATH will do) into the directory `to`: files,
// directories, symlinks, devices, fifos, with owner, mode, extended attributes and times; holes stay holes,
// and hard links links. `to` itself gets attributes and times. Other mounts below `from` are not entered: an
// empty directory stands for them. Sockets are left out; an owner that is not mapped in this user namespace
// becomes the copy's maker. ELOOP: deeper than 64 directories.
Result copy_up(Context& ctx, int from, int to);

}  // namespace oci
