#include "attach.h"

#include "calls.h"

namespace oci {

namespace {

// Flags of statfs(2) where they differ from those of mount(2).
constexpr u64 kStRdonlyToNoexec = 0xf;  // the same bits
constexpr u64 kStNoatime = 0x400;
constexpr u64 kStNodiratime = 0x800;
constexpr u64 kStRelatime = 0x1000;
constexpr u64 kStNosymfollow = 0x2000;

constexpr u64 kPropagation = MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE;

u64 attrs_of_statfs(u64 st) {
  u64 attrs = st & kStRdonlyToNoexec;
  if (st & kStNodiratime) attrs |= MOUNT_ATTR_NODIRATIME;
  if (st & kStNosymfollow) attrs |= MOUNT_ATTR_NOSYMFOLLOW;
  if (st & kStNoatime) return attrs | MOUNT_ATTR_NOATIME;
  return st & kStRelatime ? attrs : attrs | MOUNT_ATTR_STRICTATIME;
}

// The access times are an enumeration: a value goes only in where the old one goes out.
u64 whole_atime(u64 set, u64 clr) {
  return (set | clr) & MOUNT_ATTR__ATIME ? clr | MOUNT_ATTR__ATIME : clr;
}

Result explain(Context& ctx, Sys sys, long rc, u64 change) {
  if (rc == -EPERM && change != 0) {
    return ctx.failed_on(
        sys, rc, "a flag that is to be cleared, or the access time, is locked in this user namespace");
  }
  return fail(sys, rc);
}

// Before mount_setattr(2): a bind remount that names every flag that is to stay.
Result remount(Context& ctx, int mount, u64 set, u64 clr) {
  StatFs st;
  long rc = sys::fstatfs(mount, &st);
  if (rc < 0) return fail(Sys::fstatfs_, rc);
  ViaProc via(ctx);
  OCI_TRY(via.ready(ctx));
  u64 attrs = (attrs_of_statfs(static_cast<u64>(st.flags)) & ~clr) | set;
  rc = sys::mount(nullptr, via.path(mount).c(), nullptr, MS_REMOUNT | MS_BIND | ms_flags_of(attrs), nullptr);
  return rc < 0 ? explain(ctx, Sys::mount_, rc, clr | (set & MOUNT_ATTR_NODIRATIME)) : done();
}

Result set_own(Context& ctx, int mount, u64 set, u64 clr, bool attached, bool& later) {
  mount_attr attr = {};
  attr.attr_set = set;
  attr.attr_clr = whole_atime(set, clr);
  long rc = sys::mount_setattr(mount, "", AT_EMPTY_PATH, &attr);
  if (!unavailable(rc)) return rc < 0 ? explain(ctx, Sys::mount_setattr_, rc, clr) : done();
  if (rc == -EPERM && attr.attr_clr != 0) return explain(ctx, Sys::mount_setattr_, rc, attr.attr_clr);
  if (attached) return remount(ctx, mount, attr.attr_set, attr.attr_clr);
  later = true;
  return done();
}

}  // namespace

u64 ms_flags_of(u64 attrs) {
  u64 flags = attrs & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  if (attrs & MOUNT_ATTR_NODIRATIME) flags |= MS_NODIRATIME;
  if (attrs & MOUNT_ATTR_NOSYMFOLLOW) flags |= MS_NOSYMFOLLOW;
  switch (attrs & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_NOATIME:
      return flags | MS_NOATIME;
    case MOUNT_ATTR_STRICTATIME:
      return flags | MS_STRICTATIME;
    default:
      return flags | MS_RELATIME;
  }
}

Result clone_tree(Context& ctx, int dir, Str path, u32 flags, Fd& out) {
  long rc = sys::open_tree(dir, path.c(), flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (rc < 0) return path.empty() ? fail(Sys::open_tree_, rc) : ctx.failed_on(Sys::open_tree_, rc, path);
  out.reset(rc);
  return done();
}

Result attach_tree(Context& ctx, int tree, int target, Str path) {
  long rc = sys::move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  if (unavailable(rc)) {
    // Only a mount that is attached somewhere can be moved this way: what mount(2) made.
    ViaProc via(ctx);
    OCI_TRY(via.ready(ctx));
    if (sys::mount(via.path(tree).c(), via.path(target).c(), nullptr, MS_MOVE, nullptr) == 0) return done();
  }
  return rc < 0 ? ctx.failed_on(Sys::move_mount_, rc, path) : done();
}

Result set_attrs(Context& ctx, int mount, const AttrChange& change, bool attached, bool& later) {
  later = false;
  if (change.recursive()) {
    mount_attr attr = {};
    attr.attr_set = change.rec_set;
    attr.attr_clr = whole_atime(change.rec_set, change.rec_clr);
    long rc = sys::mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
    if (rc == -ENOSYS) {
      return ctx.failed_on(Sys::mount_setattr_, rc,
                           "attributes of a whole tree need mount_setattr(2): Linux 5.12");
    }
    if (rc < 0) return explain(ctx, Sys::mount_setattr_, rc, change.rec_clr);
  }
  if (!change.own()) return done();
  if (change.soft != 0) {
    Result result = set_own(ctx, mount, change.set, change.clr | change.soft, attached, later);
    if (result.error != EPERM) return result;
    ctx.text.clear();
  }
  return set_own(ctx, mount, change.set, change.clr, attached, later);
}

Result set_propagation(Context& ctx, int mount, u64 flags) {
  mount_attr attr = {};
  attr.propagation = flags & kPropagation;
  if (attr.propagation == 0) return done();
  bool recursive = (flags & MS_REC) != 0;
  long rc =
      sys::mount_setattr(mount, "", static_cast<u32>(AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0)), &attr);
  if (!unavailable(rc)) return check(Sys::mount_setattr_, rc);
  ViaProc via(ctx);
  OCI_TRY(via.ready(ctx));
  return check(Sys::mount_,
               sys::mount(nullptr, via.path(mount).c(), nullptr, flags & (kPropagation | MS_REC), nullptr));
}

Result set_propagation(Context& ctx, int mount, NumList values) {
  for (u32 i = 0; i < values.size(); i++) OCI_TRY(set_propagation(ctx, mount, values[i]));
  return done();
}

Result finish_mount(Context& ctx, int tree, int target, Str path, const AttrChange& change,
                    NumList propagation) {
  bool later = false;
  OCI_TRY(set_attrs(ctx, tree, change, false, later));
  OCI_TRY(attach_tree(ctx, tree, target, path));
  if (later) {
    AttrChange own = change;
    own.rec_set = own.rec_clr = 0;
    OCI_TRY(set_attrs(ctx, tree, own, true, later));
  }
  return set_propagation(ctx, tree, propagation);
}

Result attach_shared(Context& ctx, SharedTree& tree, int target, Str path) {
  if (!tree.attached) {
    OCI_TRY(attach_tree(ctx, tree.fd.get(), target, path));
    tree.attached = true;
    // What is mounted on it must not show on the host's, nor the other way.
    return set_propagation(ctx, tree.fd.get(), u64{MS_PRIVATE});
  }
  Fd copy;
  OCI_TRY(clone_tree(ctx, tree.fd.get(), "", AT_EMPTY_PATH, copy));
  return attach_tree(ctx, copy.get(), target, path);
}

}  // namespace oci
