// Paths that are hidden or made read-only, and the null device that does not come from the image.
#include "attach.h"
#include "calls.h"
#include "legacy.h"
#include "steps.h"

namespace oci {

namespace {

constexpr u32 kNullMajor = 1;
constexpr u32 kNullMinor = 3;

// What is to be covered: `path` in `root`, open (O_PATH), or invalid where there is nothing.
struct Target {
  int root = -1;
  Str path;
  Fd fd;
  FileId id;
};

Result open_covered(Context& ctx, const Record& r, u32 root_field, u32 path_field, Target& out) {
  OCI_TRY(slot_fd(ctx, r, root_field, out.root));
  out.path = r.str(path_field);
  long fd = open_in_root(out.root, out.path, O_PATH);
  if (fd == -ENOENT || fd == -ENOTDIR) return done();
  if (fd < 0) return ctx.failed_on(Sys::openat2_, fd, out.path);
  out.fd.reset(fd);
  FileId top;
  OCI_TRY(identify(ctx, out.root, top));
  OCI_TRY(identify(ctx, out.fd.get(), out.id));
  return out.id.same_place(top) ? ctx.refuse(EBUSY, "is the root itself: ", out.path) : done();
}

// An empty filesystem in which nothing can ever be made: no block, and no inode besides its root.
Result new_empty(Context& ctx, int root, Str label, Fd& out) {
  constexpr u64 kAttrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  constexpr const char* kOptions[][2] = {{"size", "4096"}, {"nr_inodes", "1"}, {"mode", "0555"}};
  PathBuffer data;
  data.add("size=4096,nr_inodes=1,mode=0555");
  if (!label.empty()) data.add(",context=\"").add(label).add('"');
  long rc = sys::fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (unavailable(rc)) {
    u64 flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return legacy_mount_aside(ctx, root, "tmpfs", "tmpfs", flags, data, out);
  }
  if (rc < 0) return ctx.failed_on(Sys::fsopen_, rc, "tmpfs");
  Fd fs(rc);
  OCI_TRY(check(Sys::fsconfig_, sys::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0)));
  for (const auto& option : kOptions) {
    OCI_TRY(check(Sys::fsconfig_, sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, option[0], option[1], 0)));
  }
  if (!label.empty()) {
    rc = sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, "context", label.c(), 0);
    if (rc < 0) return ctx.failed_on(Sys::fsconfig_, rc, label);
  }
  OCI_TRY(check(Sys::fsconfig_, sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0)));
  rc = sys::fsmount(fs.get(), FSMOUNT_CLOEXEC, kAttrs);
  if (rc < 0) return fail(Sys::fsmount_, rc);
  out.reset(rc);
  return done();
}

// Where a tree can't be attached, mount(2) binds it.
Result bind_over(Context& ctx, int source, const Target& target) {
  Fd mount;
  bool placed;
  OCI_TRY(legacy_bind(ctx, target.root, source, false, target.fd.get(), target.path, mount, placed));
  return placed ? done() : attach_tree(ctx, mount.get(), target.fd.get(), target.path);
}

Result mask_directory(Context& ctx, const Target& target, Str label) {
  SharedTree& empty = ctx.mount.empty;
  if (!empty.fd.valid()) OCI_TRY(new_empty(ctx, target.root, label, empty.fd));
  FileId own;
  OCI_TRY(identify(ctx, empty.fd.get(), own));
  if (own.dev == target.id.dev) return done();  // is masked already
  Result result = attach_shared(ctx, empty, target.fd.get(), target.path);
  return unavailable(-long{result.error}) ? bind_over(ctx, empty.fd.get(), target) : result;
}

// A null device that can be bound by mount(2): the host's left with the old root, so one of the container's
// root, if it is real.
Result bindable_null(Context& ctx, int root, Fd& out) {
  long fd = open_in_root(root, "dev/null", O_PATH | O_NOFOLLOW);
  if (fd < 0) return ctx.failed_on(Sys::openat2_, fd, "/dev/null");
  out.reset(fd);
  FileId id;
  OCI_TRY(identify(ctx, out.get(), id));
  return id.is_char(kNullMajor, kNullMinor) ? done() : ctx.refuse(ENODEV, "/dev/null is not the null device");
}

Result mask_file(Context& ctx, const Target& target) {
  SharedTree& null = ctx.mount.null;
  if (target.id.is_char(kNullMajor, kNullMinor)) return done();
  if (!null.fd.valid()) return ctx.refuse(EBADF, "the null device was not kept: ", target.path);
  Result result = attach_shared(ctx, null, target.fd.get(), target.path);
  if (!unavailable(-long{result.error})) return result;
  Fd own;
  if (ctx.mount.root_changed) OCI_TRY(bindable_null(ctx, target.root, own));
  return bind_over(ctx, own.valid() ? own.get() : null.fd.get(), target);
}

}  // namespace

Result steps::keepNull(Context& ctx, const Record&) {
  if (ctx.mount.root_changed) return ctx.refuse(EPERM, "/dev/null is the container's own by now");
  long rc = sys::openat(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, "/dev/null");
  Fd null(rc);
  FileId id;
  OCI_TRY(identify(ctx, null.get(), id));
  if (!id.is_char(kNullMajor, kNullMinor)) return ctx.refuse(ENODEV, "/dev/null is not the null device");
  Fd tree;
  Result cloned = clone_tree(ctx, null.get(), "", AT_EMPTY_PATH, tree);
  if (cloned.failed() && !unavailable(-long{cloned.error})) return cloned;
  ctx.text.clear();
  ctx.mount.null.fd = static_cast<Fd&&>(cloned.ok() ? tree : null);
  ctx.mount.null.attached = cloned.failed();
  return done();
}

Result steps::maskPath(Context& ctx, const Record& r) {
  namespace fld = f::maskPath;
  Target target;
  OCI_TRY(open_covered(ctx, r, fld::root, fld::path, target));
  if (!target.fd.valid()) return done();
  return target.id.is_dir() ? mask_directory(ctx, target, r.str(fld::label)) : mask_file(ctx, target);
}

Result steps::readonlyPath(Context& ctx, const Record& r) {
  namespace fld = f::readonlyPath;
  Target target;
  OCI_TRY(open_covered(ctx, r, fld::root, fld::path, target));
  if (!target.fd.valid()) return done();
  int fd = target.fd.get();
  AttrChange change;
  change.set = MOUNT_ATTR_RDONLY;
  Fd tree;
  Result cloned = clone_tree(ctx, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, tree);
  if (cloned.ok()) return finish_mount(ctx, tree.get(), fd, target.path, change, NumList());
  if (!unavailable(-long{cloned.error})) return ctx.failed_on(cloned.sys, -long{cloned.error}, target.path);
  bool placed;
  bool later;
  OCI_TRY(legacy_bind(ctx, target.root, fd, true, fd, target.path, tree, placed));
  OCI_TRY(set_attrs(ctx, tree.get(), change, true, later));
  return placed ? done() : attach_tree(ctx, tree.get(), fd, target.path);
}

}  // namespace oci
