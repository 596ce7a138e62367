// Detached mounts (trees): cloned, given their attributes while nobody can see them, then attached by fd.
#pragma once

#include "resolve.h"

namespace oci {

// MOUNT_ATTR_* to set and to clear, of the mount itself and of the whole tree. `soft`: to be cleared of the
// mount itself if all of them may be.
struct AttrChange {
  u64 set = 0;
  u64 clr = 0;
  u64 rec_set = 0;
  u64 rec_clr = 0;
  u64 soft = 0;

  bool own() const { return (set | clr | soft) != 0; }
  bool recursive() const { return (rec_set | rec_clr) != 0; }
};

// open_tree(2) with OPEN_TREE_CLONE. `flags`: AT_RECURSIVE, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.
Result clone_tree(Context& ctx, int dir, Str path, u32 flags, Fd& out);

// move_mount(2) of the mount whose root `tree` is onto `target`; both are fds. `path` is for people. The fd
// of a mount stays the fd of its root wherever it is attached.
Result attach_tree(Context& ctx, int tree, int target, Str path);

// Changes attributes of the mount whose root `mount` is. Before mount_setattr(2) (5.12) only an attached
// mount can be changed: with `attached` false such a change is then left out and `later` says so. Recursive
// changes are never degraded: ENOSYS.
Result set_attrs(Context& ctx, int mount, const AttrChange& change, bool attached, bool& later);

// Applies MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE (each with MS_REC or not), in this order.
Result set_propagation(Context& ctx, int mount, NumList values);
Result set_propagation(Context& ctx, int mount, u64 flags);

// set_attrs, attach_tree, what set_attrs left, set_propagation.
Result finish_mount(Context& ctx, int tree, int target, Str path, const AttrChange& change,
                    NumList propagation);

// Attaches a tree to `target`, or a clone of it if it is attached already.
Result attach_shared(Context& ctx, SharedTree& tree, int target, Str path);

// mount(2)'s flags for MOUNT_ATTR_* bits.
u64 ms_flags_of(u64 attrs);

// Whether a call is missing or forbidden by a filter around us, so that an older one is worth a try.
inline bool unavailable(long rc) {
  return rc == -ENOSYS || rc == -EPERM;
}

}  // namespace oci
