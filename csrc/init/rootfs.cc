// The container's root: a mount of its own, then `/`. And the procfs that everything is written through.
#include "attach.h"
#include "calls.h"
#include "legacy.h"
#include "steps.h"

namespace oci {

namespace {

constexpr u64 kProcRootIno = 1;
constexpr int kMntDetach = 2;
// Deeper than any path can be.
constexpr int kMostLevels = 4096;

Result check_proc_root(Context& ctx, int fd) {
  FileId id;
  OCI_TRY(identify(ctx, fd, id));
  if (fs_magic(fd) != PROC_SUPER_MAGIC || id.ino != kProcRootIno) {
    return ctx.refuse(EPERM, "/proc is no procfs, and a private one can't be had");
  }
  return done();
}

long new_proc() {
  long rc = sys::fsopen("proc", FSOPEN_CLOEXEC);
  if (rc < 0) return rc;
  Fd fs(rc);
  rc = sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (rc < 0) return rc;
  return sys::fsmount(fs.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

// The root of the mount that `fd` is on, by its parents: `..` never leaves a mount before it was at its root.
Result mount_root_of(Context& ctx, int fd, Fd& out) {
  out.reset(sys::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!out.valid()) return fail(Sys::fcntl_, out.get());
  for (int i = 0; i < kMostLevels; i++) {
    FileId id;
    OCI_TRY(identify(ctx, out.get(), id));
    if (id.mount_root) return done();
    long rc = sys::openat(out.get(), "..", O_PATH | O_DIRECTORY);
    if (rc < 0) return fail(Sys::openat_, rc);
    out.reset(rc);
  }
  return ctx.refuse(ELOOP, "the root directory is too deep in its mount");
}

// What is mounted on the mount around `place` must not show anywhere else, and pivot_root(2) refuses a shared
// parent. As a slave the mount still gets what the host mounts there, and so does every bind of what lies on
// it.
Result cut_off(Context& ctx, int place, bool slave) {
  Fd around;
  OCI_TRY(mount_root_of(ctx, place, around));
  return set_propagation(ctx, around.get(), slave ? u64{MS_SLAVE} : u64{MS_PRIVATE});
}

Result enter(Context& ctx, int root) {
  OCI_TRY(check(Sys::fchdir_, sys::fchdir(root)));
  OCI_TRY(check(Sys::chroot_, sys::chroot(".")));
  ctx.mount.root_changed = true;
  return check(Sys::chdir_, sys::chdir("/"));
}

}  // namespace

Result steps::openProc(Context& ctx, const Record& r) {
  Fd proc(new_proc());
  if (!proc.valid()) {
    // In a user namespace a procfs that would show more than the one that is there is forbidden; a filter may
    // forbid the calls. The host's own will do, as long as it is still there.
    if (ctx.mount.root_changed) return fail(Sys::fsopen_, proc.get());
    long rc = sys::openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    if (rc < 0) return ctx.failed_on(Sys::openat_, rc, "/proc");
    proc.reset(rc);
  }
  OCI_TRY(check_proc_root(ctx, proc.get()));
  long copy = sys::fcntl(proc.get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return fail(Sys::fcntl_, copy);
  ctx.mount.proc.reset(copy);
  return slot_put(ctx, r, f::openProc::to, static_cast<Fd&&>(proc));
}

Result steps::bindRoot(Context& ctx, const Record& r) {
  namespace fld = f::bindRoot;
  Str path = r.str(fld::path);
  int dir;
  OCI_TRY(slot_dir(ctx, r, fld::dir, dir));
  long rc = path.empty() && r.has_slot(fld::dir) ? sys::openat(dir, ".", O_PATH | O_DIRECTORY)
                                                 : sys::openat(dir, path.c(), O_PATH | O_DIRECTORY);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, path);
  Fd place(rc);
  OCI_TRY(cut_off(ctx, place.get(), r.flag(fld::slave)));
  Fd other;
  if (Str on = r.str(fld::on); !on.empty()) {
    rc = sys::openat(AT_FDCWD, on.c(), O_PATH | O_DIRECTORY);
    if (rc < 0) return ctx.failed_on(Sys::openat_, rc, on);
    other.reset(rc);
    OCI_TRY(cut_off(ctx, other.get(), false));
  }
  int target = other.valid() ? other.get() : place.get();
  Fd tree;
  Result cloned = clone_tree(ctx, place.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, tree);
  if (cloned.ok()) {
    OCI_TRY(attach_tree(ctx, tree.get(), target, path));
    return slot_put(ctx, r, fld::to, static_cast<Fd&&>(tree));
  }
  if (!unavailable(-long{cloned.error})) return cloned;
  bool placed;
  // Aside of the place means on top of it: just where it shall be.
  OCI_TRY(legacy_bind(ctx, target, place.get(), true, target, path, tree, placed));
  ctx.text.clear();
  return slot_put(ctx, r, fld::to, static_cast<Fd&&>(tree));
}

Result steps::pivotRoot(Context& ctx, const Record& r) {
  int root;
  OCI_TRY(slot_fd(ctx, r, f::pivotRoot::root, root));
  ensure_proc(ctx);
  long rc = sys::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, "/");
  Fd old(rc);
  OCI_TRY(check(Sys::fchdir_, sys::fchdir(root)));
  rc = sys::pivot_root(".", ".");
  if (rc == -EINVAL)
    return ctx.failed_on(Sys::pivot_root_, rc, "the root is no mount, or the host's `/` is none");
  OCI_TRY(check(Sys::pivot_root_, rc));
  ctx.mount.root_changed = true;
  // The old root now lies on the new one. Slave first: what is unmounted here stays mounted on the host.
  OCI_TRY(check(Sys::fchdir_, sys::fchdir(old.get())));
  OCI_TRY(check(Sys::mount_, sys::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr)));
  OCI_TRY(check(Sys::umount2_, sys::umount2(".", kMntDetach)));
  OCI_TRY(check(Sys::fchdir_, sys::fchdir(root)));
  return check(Sys::chdir_, sys::chdir("/"));
}

Result steps::chroot(Context& ctx, const Record& r) {
  int root;
  OCI_TRY(slot_fd(ctx, r, f::chroot::root, root));
  ensure_proc(ctx);
  return enter(ctx, root);
}

}  // namespace oci
