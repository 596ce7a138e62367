// What the mount steps remember from one to the next.
#pragma once

#include "slots.h"

namespace oci {

struct MountState {
  Fd null_fd;     // the host's /dev/null, verified
  Fd null_tree;   // a detached mount of it, for masks
  Fd empty_tree;  // the one empty, read-only tmpfs that masks directories
};

}  // namespace oci
