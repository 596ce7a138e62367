// What the mount steps remember from one to the next.
#pragma once

#include "slots.h"

namespace oci {

// A tree that is mounted at several places: the first place gets the tree itself, the others clones of it,
// since older kernels clone only what is attached.
struct SharedTree {
  Fd fd;
  bool attached = false;
};

struct MountState {
  // A procfs that the container can't control: its own private one (openProc), or the host's, opened before
  // the root was changed.
  Fd proc;
  // The root is the container's: `/proc` means nothing any more.
  bool root_changed = false;
  // The host's /dev/null, verified.
  SharedTree null;
  // The directory that holds staged trees, in the mount namespace that it was made in.
  Fd stage;
  // The one empty, read-only tmpfs that hides directories.
  SharedTree empty;
};

}  // namespace oci
