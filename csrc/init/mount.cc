// Bind mounts, and changes of what is mounted.
#include "attach.h"
#include "calls.h"
#include "legacy.h"
#include "steps.h"

namespace oci {

namespace {

constexpr u64 kProcRootIno = 1;
constexpr int kUmountNofollow = 8;

// Opens the source of a bind: a tree of its own, or (`plain`) where open_tree(2) can't, just the place.
Result open_source(Context& ctx, const Record& r, int root, Fd& out, bool& plain) {
  namespace fld = f::bind;
  Str source = r.str(fld::source);
  bool no_follow = r.flag(fld::srcNoFollow);
  u32 recursive = r.flag(fld::recursive) ? AT_RECURSIVE : 0;
  Result result;
  plain = false;
  if (r.flag(fld::sourceInRoot)) {
    long fd = open_in_root(root, source, O_PATH | (no_follow ? O_NOFOLLOW : 0));
    if (fd < 0) return ctx.failed_on(Sys::openat2_, fd, source);
    Fd place(fd);
    result = clone_tree(ctx, place.get(), "", AT_EMPTY_PATH | recursive, out);
    if (!unavailable(-long{result.error})) return result;
    out = static_cast<Fd&&>(place);
  } else {
    result = clone_tree(ctx, AT_FDCWD, source, recursive | (no_follow ? AT_SYMLINK_NOFOLLOW : 0), out);
    if (!unavailable(-long{result.error})) return result;
    long fd = sys::openat(AT_FDCWD, source.c(), O_PATH | (no_follow ? O_NOFOLLOW : 0));
    if (fd < 0) return ctx.failed_on(Sys::openat_, fd, source);
    out.reset(fd);
  }
  plain = true;
  ctx.text.clear();
  return done();
}

Result check_must_be(Context& ctx, const Record& r, int source, const FileId& id) {
  Str must = r.str(f::bind::mustBe);
  Str target = r.str(f::bind::target);
  if (must.empty()) return done();
  if (must == Str("dir"))
    return id.is_dir() ? done()
                       : ctx.refuse(ENOTDIR, "the source is no directory, as it must be for ", target);
  if (must == Str("file"))
    return !id.is_dir() ? done()
                        : ctx.refuse(EISDIR, "the source is a directory, which it must not be for ", target);
  if (must == Str("proc")) {
    bool root = fs_magic(source) == PROC_SUPER_MAGIC && id.ino == kProcRootIno;
    return root ? done() : ctx.refuse(EPERM, "the source is no procfs, as it must be for ", target);
  }
  if (must == Str("sysfs")) {
    bool root = fs_magic(source) == SYSFS_MAGIC && id.is_dir();
    return root ? done() : ctx.refuse(EPERM, "the source is no sysfs, as it must be for ", target);
  }
  return ctx.refuse(EINVAL, "unknown value of mustBe: ", must);
}

AttrChange bind_attrs(const Record& r) {
  namespace fld = f::bind;
  return AttrChange{r.num(fld::attrSet), r.num(fld::attrClr), r.num(fld::recSet), r.num(fld::recClr),
                    r.num(fld::attrSoft)};
}

// Where open_tree(2) is forbidden: mount(2), aside for directories, so that nobody sees the mount before it
// has its attributes.
Result bind_plain(Context& ctx, const Record& r, int root, int source, int target, Fd& mount) {
  namespace fld = f::bind;
  Str path = r.str(fld::target);
  bool placed;
  bool later;
  OCI_TRY(legacy_bind(ctx, root, source, r.flag(fld::recursive), target, path, mount, placed));
  OCI_TRY(set_attrs(ctx, mount.get(), bind_attrs(r), true, later));
  if (!placed) OCI_TRY(attach_tree(ctx, mount.get(), target, path));
  return set_propagation(ctx, mount.get(), r.nums(fld::propagation));
}

}  // namespace

Result steps::bind(Context& ctx, const Record& r) {
  namespace fld = f::bind;
  int root;
  OCI_TRY(slot_fd(ctx, r, fld::root, root));
  Fd own;
  int source;
  bool plain = false;
  if (r.has_slot(fld::tree)) {
    OCI_TRY(slot_fd(ctx, r, fld::tree, source));
  } else {
    OCI_TRY(open_source(ctx, r, root, own, plain));
    source = own.get();
  }
  FileId id;
  OCI_TRY(identify(ctx, source, id));
  OCI_TRY(check_must_be(ctx, r, source, id));

  Str must = r.str(fld::mustBe);
  TargetRules rules;
  rules.directory = id.is_dir();
  rules.no_follow = r.flag(fld::destNoFollow) || id.type() == S_IFLNK;
  rules.real_dir = must == Str("proc") || must == Str("sysfs");
  rules.over_proc = must == Str("proc");
  Str path = r.str(fld::target);
  Fd target;
  OCI_TRY(open_target(ctx, root, path, rules, target));
  if (plain) {
    Fd mount;
    OCI_TRY(bind_plain(ctx, r, root, source, target.get(), mount));
    return slot_put(ctx, r, fld::to, static_cast<Fd&&>(mount));
  }
  OCI_TRY(finish_mount(ctx, source, target.get(), path, bind_attrs(r), r.nums(fld::propagation)));
  if (!r.has_slot(fld::to)) return done();
  if (!own.valid()) {
    long copy = sys::fcntl(source, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return fail(Sys::fcntl_, copy);
    own.reset(copy);
  }
  return slot_put(ctx, r, fld::to, static_cast<Fd&&>(own));
}

Result steps::openTree(Context& ctx, const Record& r) {
  namespace fld = f::openTree;
  u32 flags = (r.flag(fld::recursive) ? AT_RECURSIVE : 0) | (r.flag(fld::noFollow) ? AT_SYMLINK_NOFOLLOW : 0);
  Fd tree;
  OCI_TRY(clone_tree(ctx, AT_FDCWD, r.str(fld::path), flags, tree));
  return slot_put(ctx, r, fld::to, static_cast<Fd&&>(tree));
}

Result steps::mountAttr(Context& ctx, const Record& r) {
  namespace fld = f::mountAttr;
  Str path = r.str(fld::target);
  Fd own;
  int mount;
  if (r.has_slot(fld::slot)) {
    OCI_TRY(slot_fd(ctx, r, fld::slot, mount));
  } else {
    int root;
    OCI_TRY(slot_fd(ctx, r, fld::root, root));
    long fd = open_in_root(root, path, O_PATH);
    if (fd < 0) return ctx.failed_on(Sys::openat2_, fd, path);
    own.reset(fd);
    mount = own.get();
  }
  FileId id;
  OCI_TRY(identify(ctx, mount, id));
  if (!id.mount_root) return ctx.refuse(EINVAL, "nothing is mounted on ", path);
  if (r.flag(fld::sb)) {
    ViaProc via(ctx);
    OCI_TRY(via.ready(ctx));
    Str data = r.str(fld::data);
    long rc = sys::mount(nullptr, via.path(mount).c(), nullptr, r.num(fld::flags) | MS_REMOUNT,
                         data.empty() ? nullptr : data.c());
    if (rc < 0) return ctx.failed_on(Sys::mount_, rc, path);
  }
  AttrChange change;
  (r.flag(fld::recursive) ? change.rec_set : change.set) = r.num(fld::attrSet);
  (r.flag(fld::recursive) ? change.rec_clr : change.clr) = r.num(fld::attrClr);
  change.soft = r.num(fld::attrSoft);
  bool later;
  OCI_TRY(set_attrs(ctx, mount, change, true, later));
  return set_propagation(ctx, mount, r.nums(fld::propagation));
}

Result steps::propagation(Context& ctx, const Record& r) {
  namespace fld = f::propagation;
  constexpr u64 kAll = MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE | MS_REC | MS_SILENT;
  u64 flags = r.num(fld::flags);
  if ((flags & ~kAll) != 0) return ctx.refuse(EINVAL, "only propagation flags can be set here");
  Str path = r.str(fld::path);
  long rc = sys::mount(nullptr, path.c(), nullptr, flags, nullptr);
  return rc < 0 ? ctx.failed_on(Sys::mount_, rc, path) : done();
}

Result steps::unmount(Context& ctx, const Record& r) {
  namespace fld = f::unmount;
  int root;
  OCI_TRY(slot_fd(ctx, r, fld::root, root));
  Str path = r.str(fld::target);
  Fd parent;
  FixedString<256> leaf;
  OCI_TRY(open_parent_in_root(ctx, root, path, false, parent, leaf));
  ViaProc via(ctx);
  OCI_TRY(via.ready(ctx));
  // By its name in the parent: an fd of the mount itself would keep it busy.
  FixedString<300> name;
  name.add(via.path(parent.get())).add('/').add(leaf);
  long rc = sys::umount2(name.c(), static_cast<int>(r.num(fld::flags)) | kUmountNofollow);
  return rc < 0 ? ctx.failed_on(Sys::umount2_, rc, path) : done();
}

}  // namespace oci
