// Device nodes, made or bound.
#include "attach.h"
#include "calls.h"
#include "legacy.h"
#include "steps.h"

namespace oci {

namespace {

constexpr u32 kPermissions = 07777;
// Since Linux 6.6; the number is the same everywhere.
constexpr long kFchmodat2 = 452;

// As the kernel takes a device number in 32 bits.
u32 device_number(u32 major, u32 minor) {
  return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

bool is_device(u32 type) {
  return type == S_IFCHR || type == S_IFBLK;
}

// chmod of just this file, which is open as O_PATH. No name is looked up again.
Result set_mode(Context& ctx, int fd, u32 mode, Str path) {
  long rc = sys::call(kFchmodat2, fd, "", mode, AT_EMPTY_PATH);
  if (!unavailable(rc) && rc != -EINVAL) return rc < 0 ? ctx.failed_on(Sys::fchmodat_, rc, path) : done();
  ViaProc via(ctx);
  OCI_TRY(via.ready(ctx));
  rc = sys::fchmodat(AT_FDCWD, via.path(fd).c(), mode);
  return rc < 0 ? ctx.failed_on(Sys::fchmodat_, rc, path) : done();
}

Result check_number(Context& ctx, u64 major, u64 minor) {
  if (major > 0xfff || minor > 0xfffff)
    return ctx.refuse(EINVAL, "a device has 12 bits of major, 20 of minor number");
  return done();
}

}  // namespace

Result steps::device(Context& ctx, const Record& r) {
  namespace fld = f::device;
  int root;
  OCI_TRY(slot_fd(ctx, r, fld::root, root));
  Str path = r.str(fld::path);
  u32 mode = r.num32(fld::mode);
  u32 type = mode & S_IFMT;
  if (!is_device(type) && type != S_IFIFO)
    return ctx.refuse(EINVAL, "is neither a device nor a fifo: ", path);
  OCI_TRY(check_number(ctx, r.num(fld::major), r.num(fld::minor)));
  u32 major = is_device(type) ? r.num32(fld::major) : 0;
  u32 minor = is_device(type) ? r.num32(fld::minor) : 0;

  Fd parent;
  FixedString<256> leaf;
  OCI_TRY(open_parent_in_root(ctx, root, path, true, parent, leaf));
  OCI_TRY(check_not_proc(ctx, root, parent.get(), path, false));
  // No permissions yet: nobody opens it before it has its owner.
  long rc = sys::mknodat(parent.get(), leaf.c(), type, device_number(major, minor));
  if (rc < 0 && rc != -EEXIST) return ctx.failed_on(Sys::mknodat_, rc, path);
  bool existed = rc == -EEXIST;
  rc = sys::openat(parent.get(), leaf.c(), O_PATH | O_NOFOLLOW);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, path);
  Fd node(rc);
  FileId id;
  OCI_TRY(identify(ctx, node.get(), id));
  if (id.type() != type || (is_device(type) && id.rdev != device_id(major, minor))) {
    return ctx.refuse(
        EEXIST, existed ? "something else is in the place of " : "was exchanged while it was made: ", path);
  }
  u32 uid = r.num32(fld::uid);
  u32 gid = r.num32(fld::gid);
  if (id.uid != uid || id.gid != gid) {
    rc = sys::fchownat(node.get(), "", uid, gid, AT_EMPTY_PATH);
    if (rc < 0) return ctx.failed_on(Sys::fchownat_, rc, path);
  }
  if ((id.mode & kPermissions) == (mode & kPermissions)) return done();
  return set_mode(ctx, node.get(), mode & kPermissions, path);
}

Result steps::bindDevice(Context& ctx, const Record& r) {
  namespace fld = f::bindDevice;
  int root;
  OCI_TRY(slot_fd(ctx, r, fld::root, root));
  Str path = r.str(fld::path);
  Str name = r.str(fld::source).empty() ? path : r.str(fld::source);
  OCI_TRY(check_number(ctx, r.num(fld::major), r.num(fld::minor)));
  Fd own;
  int source;
  bool plain = false;
  if (r.has_slot(fld::tree)) {
    OCI_TRY(slot_fd(ctx, r, fld::tree, source));
  } else {
    if (ctx.mount.root_changed)
      return ctx.refuse(EPERM, "the host's devices are out of reach by now: ", name);
    Result cloned = clone_tree(ctx, AT_FDCWD, name, 0, own);
    if (unavailable(-long{cloned.error})) {
      plain = true;
      own.reset(sys::openat(AT_FDCWD, name.c(), O_PATH));
      if (!own.valid()) return ctx.failed_on(Sys::openat_, own.get(), name);
      ctx.text.clear();
    } else {
      OCI_TRY(cloned);
    }
    source = own.get();
  }
  FileId id;
  OCI_TRY(identify(ctx, source, id));
  u32 type = r.num32(fld::mode) & S_IFMT;
  if (!is_device(type) || id.type() != type ||
      id.rdev != device_id(r.num32(fld::major), r.num32(fld::minor))) {
    return ctx.refuse(ENODEV, "the host has another device, or none, at ", path);
  }
  Fd target;
  OCI_TRY(open_node_target(ctx, root, path, target));
  Fd mount;
  if (plain) {
    bool placed;
    OCI_TRY(legacy_bind(ctx, root, source, false, target.get(), path, mount, placed));
    source = mount.get();
  } else {
    OCI_TRY(attach_tree(ctx, source, target.get(), path));
  }
  // What is mounted on it must not show on the host's.
  return set_propagation(ctx, source, u64{MS_PRIVATE});
}

}  // namespace oci
