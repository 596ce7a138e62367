// File steps: open, read, write, remove, rename, chown.
#include "file_util.h"
#include "path.h"
#include "steps.h"

namespace oci {
namespace {

constexpr u32 kPermissions = 07777;

// A name that nobody else uses: the time, and the number of the try.
void temporary_name(FixedString<64>& name, u32 attempt) {
  TimeSpec now = {};
  (void)sys::clock_gettime(kClockMonotonic, &now);
  name.clear().add(".oci-ts.").num(static_cast<u64>(sys::getpid())).add('.');
  name.snum(now.sec).add('.').snum(now.nsec).add('.').num(attempt);
}

// Writes a file that gets its name when it is complete: whoever dies meanwhile leaves nothing. False: that
// can't be done here (the name is taken, or the file system has no files without a name).
bool write_nameless(Context& ctx, int parent, const char* leaf, Bytes data, u32 mode, Result& result) {
  // Init may not trust the /proc that its names lead to.
  if (!ctx.hosted) return false;
  struct statx info;
  if (sys::statx(parent, leaf, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &info) != -ENOENT) return false;
  Fd file(sys::openat(parent, ".", O_WRONLY | O_TMPFILE, 0600));
  if (!file.valid()) return false;
  result = check(Sys::fchmod_, sys::fchmod(file.get(), mode));
  if (result.ok()) result = write_once(ctx, file.get(), data, leaf);
  if (result.failed()) return true;
  constexpr int kFollow = 0x400;  // AT_SYMLINK_FOLLOW
  return sys::call(__NR_linkat, AT_FDCWD, fd_path(file.get()).c(), parent, leaf, kFollow) == 0;
}

Result write_atomically(Context& ctx, int dir, Str path, Bytes data, u32 mode, u64 resolve) {
  Fd parent;
  FixedString<256> leaf;
  OCI_TRY(open_parent(ctx, dir, path, resolve, parent, leaf));
  Result result;
  if (write_nameless(ctx, parent.get(), leaf.c(), data, mode, result)) return result;
  FixedString<64> name;
  Fd file;
  for (u32 attempt = 0; !file.valid(); attempt++) {
    temporary_name(name, attempt);
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    file.reset(sys::openat(parent.get(), name.c(), flags, 0600));
    if (!file.valid() && (file.get() != -EEXIST || attempt == 16)) {
      return ctx.failed_on(Sys::openat_, file.get(), path);
    }
  }
  result = check(Sys::fchmod_, sys::fchmod(file.get(), mode));
  if (result.ok()) result = write_once(ctx, file.get(), data, path);
  if (result.ok()) {
    result = check(Sys::renameat2_, sys::renameat2(parent.get(), name.c(), parent.get(), leaf.c(), 0));
  }
  if (result.failed()) (void)sys::unlinkat(parent.get(), name.c(), 0);
  return result;
}

Result remove_name(Context& ctx, const Record& r, u32 dir_field, Str path, int flags) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, dir_field, dir));
  long rc = sys::unlinkat(dir, path.c(), flags);
  return rc < 0 ? ctx.failed_on(Sys::unlinkat_, rc, path) : done();
}

bool is_blank(const char* text, long size) {
  for (long i = 0; i < size; i++) {
    if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t') return false;
  }
  return true;
}

}  // namespace

namespace steps {

Result open(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::open::dir, dir));
  Str path = r.str(f::open::path);
  u64 flags = r.num(f::open::flags);
  u64 mode = (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0 ? r.num(f::open::mode) : 0;
  long rc = open_resolved(dir, path.c(), flags, mode, r.num(f::open::resolve));
  if (rc < 0) return ctx.failed_on(Sys::openat2_, rc, path);
  return slot_put(ctx, r, f::open::to, Fd(rc));
}

Result write(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::write::dir, dir));
  Str path = r.str(f::write::path);
  Bytes data = r.bytes(f::write::data);
  u32 mode = r.num32(f::write::mode) & kPermissions;
  u64 resolve = r.num(f::write::resolve);
  if (r.flag(f::write::atomic)) {
    return write_atomically(ctx, dir, path, data, mode == 0 ? 0600 : mode, resolve);
  }
  u64 flags = r.num(f::write::flags) | O_WRONLY | O_NOCTTY;
  bool creates = (flags & O_CREAT) != 0;
  long rc = open_resolved(dir, path.c(), flags, creates ? mode : 0, resolve);
  if (rc < 0) return ctx.failed_on(Sys::openat2_, rc, path);
  Fd file(rc);
  if (creates && mode != 0) OCI_TRY(check(Sys::fchmod_, sys::fchmod(file.get(), mode)));
  return write_once(ctx, file.get(), data, path);
}

Result writeFd(Context& ctx, const Record& r) {
  int fd;
  OCI_TRY(slot_fd(ctx, r, f::writeFd::slot, fd));
  return write_once(ctx, fd, r.bytes(f::writeFd::data), "");
}

// One result for each `read` that is carried out: an empty one where it fails.
Result read(Context& ctx, const Record& r) {
  if (ctx.reads.reserve == nullptr) return ctx.refuse(EPERM, "only a batch of host steps can read");
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::read::dir, dir));
  Str path = r.str(f::read::path);
  Fd fd(sys::openat(dir, path.c(), O_RDONLY | O_NOCTTY));
  if (!fd.valid()) {
    (void)ctx.reads.reserve(ctx.reads.self, 0);
    ctx.reads.commit(ctx.reads.self, 0);
    return ctx.failed_on(Sys::openat_, fd.get(), path);
  }
  u8* buffer = ctx.reads.reserve(ctx.reads.self, r.num(f::read::max));
  if (buffer == nullptr && r.num(f::read::max) > 0) return ctx.failed_on(Sys::read_, -ENOMEM, path);
  long n = read_all(fd.get(), buffer, r.num(f::read::max));
  ctx.reads.commit(ctx.reads.self, n < 0 ? 0 : static_cast<usize>(n));
  return n < 0 ? ctx.failed_on(Sys::read_, n, path) : done();
}

Result copy(Context& ctx, const Record& r) {
  int from;
  int to;
  OCI_TRY(slot_dir(ctx, r, f::copy::fromDir, from));
  OCI_TRY(slot_dir(ctx, r, f::copy::toDir, to));
  Str from_path = r.str(f::copy::fromPath);
  Str to_path = r.str(f::copy::toPath);
  char buffer[4096];
  if (r.flag(f::copy::onlyIfEmpty)) {
    long n = read_file(to, to_path.c(), buffer, sizeof(buffer));
    if (n < 0) return ctx.failed_on(Sys::read_, n, to_path);
    if (!is_blank(buffer, n)) return done();
  }
  long n = read_file(from, from_path.c(), buffer, sizeof(buffer));
  if (n < 0) return ctx.failed_on(Sys::read_, n, from_path);
  if (n == sizeof(buffer)) return ctx.failed_on(Sys::read_, -EFBIG, from_path);
  long rc = sys::openat(to, to_path.c(), O_WRONLY | O_NOCTTY);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, to_path);
  Fd file(rc);
  return write_once(ctx, file.get(), Bytes{reinterpret_cast<u8*>(buffer), static_cast<usize>(n)}, to_path);
}

Result unlink(Context& ctx, const Record& r) {
  return remove_name(ctx, r, f::unlink::dir, r.str(f::unlink::path), 0);
}

Result rmdir(Context& ctx, const Record& r) {
  return remove_name(ctx, r, f::rmdir::dir, r.str(f::rmdir::path), AT_REMOVEDIR);
}

Result rename(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::rename::dir, dir));
  Str path = r.str(f::rename::path);
  long rc = sys::renameat2(dir, path.c(), dir, r.str(f::rename::newPath).c(), 0);
  return rc < 0 ? ctx.failed_on(Sys::renameat2_, rc, path) : done();
}

Result chown(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::chown::dir, dir));
  Str path = r.str(f::chown::path);
  u32 uid = r.num32(f::chown::uid);
  u32 gid = r.num32(f::chown::gid);
  long rc = sys::fchownat(dir, path.c(), uid, gid, AT_SYMLINK_NOFOLLOW);
  return rc < 0 ? ctx.failed_on(Sys::fchownat_, rc, path) : done();
}

Result close(Context& ctx, const Record& r) {
  int fd;
  OCI_TRY(slot_fd(ctx, r, f::close::slot, fd));
  (void)fd;
  ctx.slots.close(r.slot(f::close::slot));
  return done();
}

Result nop(Context&, const Record&) {
  return done();
}

Result fail(Context& ctx, const Record& r) {
  i32 error = static_cast<i32>(r.num32(f::fail::errno_));
  return ctx.refuse(error > 0 ? error : EINVAL, r.str(f::fail::text));
}

}  // namespace steps
}  // namespace oci
