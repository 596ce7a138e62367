// File steps that make things: directories, symlinks, sockets; and locks.
#include "file_util.h"
#include "path.h"
#include "steps.h"
#include "wait.h"

namespace oci {
namespace {

constexpr u64 kDirectory = O_PATH | O_DIRECTORY;
constexpr int kChildDirectory = O_PATH | O_DIRECTORY | O_NOFOLLOW;

// One directory in `parent`, which must not exist, with exactly `mode`. Opened, or -errno; `call` is what
// failed.
long make_dir(int parent, const char* name, u32 mode, Sys& call) {
  call = Sys::mkdirat_;
  long rc = sys::mkdirat(parent, name, mode);
  if (rc < 0) return rc;
  call = Sys::openat_;
  Fd fd(sys::openat(parent, name, kChildDirectory));
  if (!fd.valid()) return fd.get();
  call = Sys::fchmodat_;
  rc = sys::fchmodat(fd.get(), ".", mode);
  return rc < 0 ? rc : fd.release();
}

// Makes the missing directories of a path of the own root.
Result make_parents(Context& ctx, int start, Str path, Fd& out) {
  Fd dir(open_resolved(start, path.starts_with("/") ? "/" : ".", kDirectory, 0, 0));
  if (!dir.valid()) return ctx.failed_on(Sys::openat2_, dir.get(), path);
  for (usize at = 0;;) {
    while (at < path.size && path[at] == '/') at++;
    if (at == path.size) break;
    usize end = path.find('/', at);
    FixedString<256> name;
    name.add(path.slice(at, end));
    if (name.truncated()) return ctx.failed_on(Sys::mkdirat_, -ENAMETOOLONG, path);
    Sys call = Sys::openat_;
    long rc = sys::openat(dir.get(), name.c(), static_cast<int>(kDirectory));
    if (rc == -ENOENT) rc = make_dir(dir.get(), name.c(), 0755, call);
    // Somebody else made it meanwhile.
    if (rc == -EEXIST) rc = sys::openat(dir.get(), name.c(), static_cast<int>(kDirectory));
    if (rc < 0) return ctx.failed_on(call, rc, path);
    dir.reset(rc);
    at = end;
  }
  out.reset(dir.release());
  return done();
}

struct MakeDir {
  int dir;
  Str path;
  u32 mode;
  bool in_root;
  bool parents;
  bool exist_ok;
};

Result parent_of(Context& ctx, const MakeDir& m, Fd& parent, FixedString<256>& leaf) {
  if (m.in_root) return open_parent_in_root(ctx, m.dir, m.path, m.parents, parent, leaf);
  Result result = open_parent(ctx, m.dir, m.path, 0, parent, leaf);
  if (!m.parents || result.error != ENOENT) return result;
  usize size = m.path.size;
  while (size > 0 && m.path[size - 1] == '/') size--;
  while (size > 0 && m.path[size - 1] != '/') size--;
  return make_parents(ctx, m.dir, m.path.slice(0, size), parent);
}

long open_existing(const MakeDir& m) {
  if (m.in_root) return open_in_root(m.dir, m.path, kDirectory);
  return open_resolved(m.dir, m.path.c(), kDirectory, 0, 0);
}

Result make(Context& ctx, const MakeDir& m, Fd& out, bool& made) {
  made = false;
  if (m.exist_ok) {
    long rc = open_existing(m);
    if (rc >= 0) {
      out.reset(rc);
      return done();
    }
    if (rc != -ENOENT) return ctx.failed_on(Sys::openat2_, rc, m.path);
  }
  Fd parent;
  FixedString<256> leaf;
  OCI_TRY(parent_of(ctx, m, parent, leaf));
  Sys call = Sys::none;
  long rc = make_dir(parent.get(), leaf.c(), m.mode, call);
  if (rc == -EEXIST && m.exist_ok) {
    // A symlink to something missing, or somebody else was faster.
    if (m.in_root) return make_dirs_in_root(ctx, m.dir, m.path, m.mode, out, &made);
    call = Sys::openat2_;
    rc = open_existing(m);
  } else {
    made = rc >= 0;
  }
  if (rc < 0) return ctx.failed_on(call, rc, m.path);
  out.reset(rc);
  return done();
}

Result place_symlink(Context& ctx, const Record& r, int parent, const char* leaf) {
  Str path = r.str(f::symlink::path);
  const char* target = r.str(f::symlink::target).c();
  long rc = sys::symlinkat(target, parent, leaf);
  if (rc == -EEXIST && r.flag(f::symlink::replace)) {
    rc = sys::unlinkat(parent, leaf, 0);
    if (rc < 0 && rc != -ENOENT) return ctx.failed_on(Sys::unlinkat_, rc, path);
    rc = sys::symlinkat(target, parent, leaf);
  }
  if (rc == -EEXIST && r.flag(f::symlink::existOk)) return done();
  return rc < 0 ? ctx.failed_on(Sys::symlinkat_, rc, path) : done();
}

}  // namespace

namespace steps {

Result mkdir(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::mkdir::dir, dir));
  MakeDir m = {dir,
               r.str(f::mkdir::path),
               r.num32(f::mkdir::mode) & 07777,
               r.flag(f::mkdir::inRoot),
               r.flag(f::mkdir::parents),
               r.flag(f::mkdir::existOk)};
  Fd fd;
  bool made;
  OCI_TRY(make(ctx, m, fd, made));
  if (made && r.flag(f::mkdir::chown)) {
    u32 uid = r.num32(f::mkdir::uid);
    u32 gid = r.num32(f::mkdir::gid);
    long rc = sys::fchownat(fd.get(), "", uid, gid, AT_EMPTY_PATH);
    if (rc < 0) return ctx.failed_on(Sys::fchownat_, rc, m.path);
  }
  return slot_put(ctx, r, f::mkdir::to, static_cast<Fd&&>(fd));
}

Result symlink(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::symlink::dir, dir));
  bool in_root = r.flag(f::symlink::inRoot);
  Str wanted = r.str(f::symlink::ifExists);
  if (!wanted.empty()) {
    long rc = in_root ? open_in_root(dir, wanted, O_PATH) : open_resolved(dir, wanted.c(), O_PATH, 0, 0);
    if (rc == -ENOENT || rc == -ENOTDIR) return done();
    if (rc < 0) return ctx.failed_on(Sys::openat2_, rc, wanted);
    close_fd(static_cast<int>(rc));
  }
  if (!in_root) return place_symlink(ctx, r, dir, r.str(f::symlink::path).c());
  Fd parent;
  FixedString<256> leaf;
  OCI_TRY(open_parent_in_root(ctx, dir, r.str(f::symlink::path), true, parent, leaf));
  return place_symlink(ctx, r, parent.get(), leaf.c());
}

// The path goes through /proc/self/fd, since socket addresses end at 108 bytes.
Result listen(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_fd(ctx, r, f::listen::dir, dir));
  Str path = r.str(f::listen::path);
  SockAddrUn address = {};
  address.family = kAfUnix;
  FixedString<sizeof(address.path)> name;
  name.add(fd_path(dir)).add('/').add(path);
  if (name.truncated()) return ctx.failed_on(Sys::bind_, -ENAMETOOLONG, path);
  __builtin_memcpy(address.path, name.c(), name.size());
  long rc = sys::socket(kAfUnix, kSockSeqpacket | kSockCloexec, 0);
  if (rc < 0) return oci::fail(Sys::socket_, rc);
  Fd fd(rc);
  // Set before bind(2), the mode is that of the file from its first moment.
  OCI_TRY(check(Sys::fchmod_, sys::fchmod(fd.get(), 0600)));
  rc = sys::bind(fd.get(), &address, sizeof(address));
  if (rc < 0) return ctx.failed_on(Sys::bind_, rc, path);
  OCI_TRY(check(Sys::listen_, sys::listen(fd.get(), 16)));
  return slot_put(ctx, r, f::listen::to, static_cast<Fd&&>(fd));
}

Result lock(Context& ctx, const Record& r) {
  int fd;
  OCI_TRY(slot_fd(ctx, r, f::lock::slot, fd));
  Deadline deadline(r.num(f::lock::timeoutMs));
  Backoff backoff(deadline);
  for (;;) {
    long rc = sys::flock(fd, kLockEx | kLockNb);
    if (rc != -EAGAIN && rc != -EINTR) return check(Sys::flock_, rc);
    if (!backoff.pause()) return oci::fail(Sys::flock_, -EAGAIN);
  }
}

}  // namespace steps
}  // namespace oci
