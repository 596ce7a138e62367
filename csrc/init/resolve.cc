#include "resolve.h"

#include "calls.h"

namespace oci {

namespace {

// The files that a container may get its own version of (lxcfs).
constexpr const char* kProcFiles[] = {
    "cpuinfo",
    "diskstats",
    "meminfo",
    "stat",
    "swaps",
    "uptime",
    "loadavg",
    "slabinfo",
    "sys/kernel/ns_last_pid",
    "sys/crypto/fips_enabled",
};

constexpr u64 kProcRootIno = 1;

Result open_real_dir(Context& ctx, int root, Str path, Fd& out, bool* made) {
  long fd = open_in_root(root, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
  if (fd == -ENOENT) {
    Fd fresh;
    OCI_TRY(make_dirs_in_root(ctx, root, path, 0755, fresh, made));
    fd = open_in_root(root, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
  }
  if (fd == -ELOOP || fd == -ENOTDIR) {
    return ctx.refuse(static_cast<i32>(-fd), "must be a real directory, reached by no symlink: ", path);
  }
  if (fd < 0) return ctx.failed_on(Sys::openat2_, fd, path);
  out.reset(fd);
  return done();
}

Result open_node(Context& ctx, int root, Str path, bool take_link, Fd& out) {
  Fd parent;
  FixedString<256> leaf;
  OCI_TRY(open_parent_in_root(ctx, root, path, true, parent, leaf));
  for (int round = 0; round < 8; round++) {
    long fd = sys::openat(parent.get(), leaf.c(), O_PATH | O_NOFOLLOW);
    if (fd >= 0) {
      out.reset(fd);
      FileId id;
      OCI_TRY(identify(ctx, out.get(), id));
      if (id.is_dir()) return ctx.refuse(EISDIR, "a directory is in the place of ", path);
      if (id.type() == S_IFLNK && !take_link) return ctx.refuse(ELOOP, "a symlink is in the place of ", path);
      return done();
    }
    if (fd != -ENOENT) return ctx.failed_on(Sys::openat_, fd, path);
    fd = sys::openat(parent.get(), leaf.c(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, 0644);
    if (fd < 0 && fd != -EEXIST) return ctx.failed_on(Sys::openat_, fd, path);
    if (fd >= 0) close_fd(static_cast<int>(fd));
  }
  return ctx.refuse(EAGAIN, "was changed again and again while being opened: ", path);
}

}  // namespace

bool FileId::is_char(u32 major, u32 minor) const {
  return type() == S_IFCHR && rdev == device_id(major, minor);
}

Result identify(Context& ctx, int fd, FileId& out) {
  struct statx st;
  long rc = sys::statx_fd(fd, STATX_BASIC_STATS | STATX_MNT_ID, &st);
  if (rc < 0) return fail(Sys::statx_, rc);
  if ((st.stx_mask & STATX_MNT_ID) == 0)
    return ctx.refuse(ENOSYS, "statx(2) tells no mount id: Linux before 5.8");
  out.mode = st.stx_mode;
  out.uid = st.stx_uid;
  out.gid = st.stx_gid;
  out.ino = st.stx_ino;
  out.dev = device_id(st.stx_dev_major, st.stx_dev_minor);
  out.rdev = device_id(st.stx_rdev_major, st.stx_rdev_minor);
  out.mount = st.stx_mnt_id;
  out.mount_root = (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return done();
}

i64 fs_magic(int fd) {
  StatFs st;
  return sys::fstatfs(fd, &st) < 0 ? 0 : st.type;
}

Result check_not_proc(Context& ctx, int root, int fd, Str path, bool over_proc) {
  StatFs fs;
  long rc = sys::fstatfs(fd, &fs);
  if (rc < 0) return fail(Sys::fstatfs_, rc);
  if (fs.type != PROC_SUPER_MAGIC) return done();
  FileId id;
  OCI_TRY(identify(ctx, fd, id));
  if (over_proc && id.ino == kProcRootIno && id.mount_root) return done();
  Fd proc(open_in_root(root, "proc", O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS));
  if (proc.valid() && fs_magic(proc.get()) == PROC_SUPER_MAGIC) {
    for (const char* name : kProcFiles) {
      Fd allowed(open_resolved(proc.get(), name, O_PATH | O_NOFOLLOW, 0,
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV));
      FileId other;
      if (!allowed.valid()) continue;
      OCI_TRY(identify(ctx, allowed.get(), other));
      if (other.same_place(id)) return done();
    }
  }
  return ctx.refuse(EPERM, "lies on a procfs, on which nothing may be mounted: ", path);
}

Result open_target(Context& ctx, int root, Str path, const TargetRules& rules, Fd& out, bool* made) {
  if (made) *made = false;
  if (rules.real_dir) {
    OCI_TRY(open_real_dir(ctx, root, path, out, made));
  } else if (rules.no_follow) {
    if (rules.directory) {
      long fd = open_in_root(root, path, O_PATH | O_NOFOLLOW);
      if (fd == -ENOENT) {
        OCI_TRY(make_dirs_in_root(ctx, root, path, 0755, out, made));
      } else if (fd < 0) {
        return ctx.failed_on(Sys::openat2_, fd, path);
      } else {
        out.reset(fd);
      }
    } else {
      OCI_TRY(open_node(ctx, root, path, true, out));
    }
  } else if (rules.directory) {
    OCI_TRY(make_dirs_in_root(ctx, root, path, 0755, out, made));
  } else {
    OCI_TRY(make_file_in_root(ctx, root, path, 0644, out));
  }
  FileId id;
  FileId top;
  OCI_TRY(identify(ctx, out.get(), id));
  OCI_TRY(identify(ctx, root, top));
  if (id.same_place(top))
    return ctx.refuse(EBUSY, "is the root itself, over which nothing may be mounted: ", path);
  if (rules.directory && !id.is_dir()) return ctx.refuse(ENOTDIR, "is no directory: ", path);
  if (!rules.directory && id.is_dir()) return ctx.refuse(EISDIR, "is a directory: ", path);
  return check_not_proc(ctx, root, out.get(), path, rules.over_proc);
}

Result open_node_target(Context& ctx, int root, Str path, Fd& out) {
  OCI_TRY(open_node(ctx, root, path, false, out));
  return check_not_proc(ctx, root, out.get(), path, false);
}

bool ensure_proc(Context& ctx) {
  if (ctx.mount.proc.valid()) return true;
  if (ctx.hosted || ctx.mount.root_changed) return false;
  Fd proc(sys::openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY));
  FileId id;
  if (!proc.valid() || fs_magic(proc.get()) != PROC_SUPER_MAGIC) return false;
  if (identify(ctx, proc.get(), id).failed() || id.ino != kProcRootIno) return false;
  ctx.mount.proc = static_cast<Fd&&>(proc);
  return true;
}

ViaProc::ViaProc(Context& ctx) {
  if (ctx.hosted) {
    ready_ = true;
    return;
  }
  if (!ensure_proc(ctx)) return;
  cwd_.reset(sys::openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY));
  if (!cwd_.valid() || sys::fchdir(ctx.mount.proc.get()) < 0) return;
  relative_ = true;
  ready_ = true;
}

ViaProc::~ViaProc() {
  if (relative_) sys::fchdir(cwd_.get());
}

Result ViaProc::ready(Context& ctx) const {
  return ready_ ? done()
                : ctx.refuse(EPERM, "there is no procfs that can be trusted, which this kernel needs here");
}

FixedString<40> ViaProc::path(int fd) const {
  FixedString<40> out;
  return out.add(relative_ ? "self/fd/" : "/proc/self/fd/").num(static_cast<u64>(fd));
}

}  // namespace oci
