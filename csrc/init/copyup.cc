#include "copyup.h"

#include "calls.h"
#include "resolve.h"

namespace oci {

namespace {

constexpr int kMostDepth = 64;
constexpr usize kBlock = 16384;
constexpr usize kMostXattrValue = 4096;
// While it is copied, the new filesystem keeps in here a name for each file that has several.
constexpr const char* kLinks = ".oci-copyup-links";

// One copy. Every buffer that need not be there once per level.
struct Copy {
  Copy(Context& c, u64 m) : ctx(c), mount(m) {}

  Context& ctx;
  u64 mount;  // id of the mount that is copied
  int top = -1;
  Fd links;
  alignas(8) u8 block[kBlock];
  char names[4096];
  char value[kMostXattrValue];
};

bool all_zero(const u8* data, usize size) {
  const u64* words = reinterpret_cast<const u64*>(data);
  for (usize i = 0; i < size / 8; i++) {
    if (words[i] != 0) return false;
  }
  for (usize i = size / 8 * 8; i < size; i++) {
    if (data[i] != 0) return false;
  }
  return true;
}

Result copy_data(Copy& copy, int from, int to) {
  i64 size = 0;
  bool hole_at_end = false;
  for (;;) {
    long n = sys::read(from, copy.block, kBlock);
    if (n == -EINTR) continue;
    if (n < 0) return fail(Sys::read_, n);
    if (n == 0) break;
    size += n;
    hole_at_end = all_zero(copy.block, static_cast<usize>(n));
    if (hole_at_end) {
      long rc = sys::lseek(to, n, 1);
      if (rc < 0) return fail(Sys::lseek_, rc);
      continue;
    }
    for (long at = 0; at < n;) {
      long done_now = sys::write(to, copy.block + at, static_cast<usize>(n - at));
      if (done_now == -EINTR) continue;
      if (done_now < 0) return fail(Sys::write_, done_now);
      at += done_now;
    }
  }
  return hole_at_end ? check(Sys::ftruncate_, sys::call(__NR_ftruncate, to, size)) : done();
}

// What a filesystem or a user namespace may not be able to hold.
bool tolerable(long rc) {
  return rc == -EOPNOTSUPP || rc == -EPERM || rc == -ENODATA || rc == -E2BIG || rc == -ERANGE;
}

Result copy_xattrs(Copy& copy, int from, int to) {
  long n = sys::call(__NR_flistxattr, from, copy.names, sizeof(copy.names));
  if (n < 0) return tolerable(n) ? done() : fail(Sys::getxattr_, n);
  for (long at = 0; at < n;) {
    const char* name = copy.names + at;
    at += static_cast<long>(length_of(name)) + 1;
    long size = sys::call(__NR_fgetxattr, from, name, copy.value, sizeof(copy.value));
    if (size < 0) {
      if (tolerable(size)) continue;
      return fail(Sys::getxattr_, size);
    }
    long rc = sys::call(__NR_fsetxattr, to, name, copy.value, size, 0);
    if (rc < 0 && !tolerable(rc)) return copy.ctx.failed_on(Sys::setxattr_, rc, name);
  }
  return done();
}

Result owner_of(const struct statx& st, int dir, const char* name, int flags) {
  long rc = sys::fchownat(dir, name, st.stx_uid, st.stx_gid, flags);
  return rc < 0 && rc != -EINVAL && rc != -EPERM ? fail(Sys::fchownat_, rc) : done();
}

void time_of(const struct statx& st, int dir, const char* name, int flags) {
  TimeSpec times[2] = {{st.stx_atime.tv_sec, st.stx_atime.tv_nsec},
                       {st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec}};
  (void)sys::utimensat(dir, name, times, flags);
}

// Owner first: chown takes set-id bits and capabilities away.
Result copy_attributes(Copy& copy, const struct statx& st, int from, int to) {
  OCI_TRY(owner_of(st, to, "", AT_EMPTY_PATH));
  OCI_TRY(check(Sys::fchmod_, sys::fchmod(to, st.stx_mode & 07777)));
  return copy_xattrs(copy, from, to);
}

Result copy_file(Copy& copy, const struct statx& st, int from_dir, int to_dir, const char* name) {
  long rc = sys::openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (rc < 0) return copy.ctx.failed_on(Sys::openat_, rc, name);
  Fd from(rc);
  struct statx now;
  OCI_TRY(check(Sys::statx_, sys::statx_fd(from.get(), STATX_BASIC_STATS, &now)));
  if ((now.stx_mode & S_IFMT) != S_IFREG)
    return copy.ctx.refuse(EAGAIN, "changed while it was copied: ", name);
  rc = sys::openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (rc < 0) return copy.ctx.failed_on(Sys::openat_, rc, name);
  Fd to(rc);
  if (Result r = copy_data(copy, from.get(), to.get()); r.failed()) {
    copy.ctx.text.set(name);
    return r;
  }
  OCI_TRY(copy_attributes(copy, st, from.get(), to.get()));
  time_of(st, to.get(), nullptr, 0);
  return done();
}

Result copy_link(Copy& copy, const struct statx& st, int from_dir, int to_dir, const char* name) {
  char* target = reinterpret_cast<char*>(copy.block);
  long n = sys::readlinkat(from_dir, name, target, kBlock - 1);
  if (n < 0) return copy.ctx.failed_on(Sys::readlinkat_, n, name);
  target[n] = 0;
  long rc = sys::symlinkat(target, to_dir, name);
  if (rc < 0) return copy.ctx.failed_on(Sys::symlinkat_, rc, name);
  OCI_TRY(owner_of(st, to_dir, name, AT_SYMLINK_NOFOLLOW));
  time_of(st, to_dir, name, AT_SYMLINK_NOFOLLOW);
  return done();
}

Result copy_node(Copy& copy, const struct statx& st, int to_dir, const char* name) {
  u32 major = st.stx_rdev_major;
  u32 minor = st.stx_rdev_minor;
  u32 number = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
  long rc = sys::mknodat(to_dir, name, st.stx_mode & S_IFMT, number);
  if (rc < 0) return copy.ctx.failed_on(Sys::mknodat_, rc, name);
  OCI_TRY(owner_of(st, to_dir, name, AT_SYMLINK_NOFOLLOW));
  // Nobody else can reach the new filesystem yet: the name is what was just made.
  OCI_TRY(check(Sys::fchmodat_, sys::fchmodat(to_dir, name, st.stx_mode & 07777)));
  time_of(st, to_dir, name, AT_SYMLINK_NOFOLLOW);
  return done();
}

Result copy_dir(Copy& copy, int from, int to, int depth);

Result copy_subdir(Copy& copy, const struct statx& st, int from_dir, int to_dir, const char* name,
                   int depth) {
  if (depth >= kMostDepth) return copy.ctx.refuse(ELOOP, "too deep to be copied: ", name);
  long rc = sys::mkdirat(to_dir, name, 0700);
  if (rc < 0) return copy.ctx.failed_on(Sys::mkdirat_, rc, name);
  rc = sys::openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (rc < 0) return copy.ctx.failed_on(Sys::openat_, rc, name);
  Fd to(rc);
  rc = sys::openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (rc < 0) return copy.ctx.failed_on(Sys::openat_, rc, name);
  Fd from(rc);
  FileId id;
  OCI_TRY(identify(copy.ctx, from.get(), id));
  if (id.mount == copy.mount) OCI_TRY(copy_dir(copy, from.get(), to.get(), depth + 1));
  OCI_TRY(copy_attributes(copy, st, from.get(), to.get()));
  time_of(st, to.get(), nullptr, 0);
  return done();
}

FixedString<64> link_name(const struct statx& st) {
  FixedString<64> name;
  name.num(st.stx_dev_major).add(':').num(st.stx_dev_minor).add(':').num(st.stx_ino);
  return name;
}

// Whether `name` could be made as one more link of a file that has been copied.
bool link_copied(Copy& copy, const struct statx& st, int to, const char* name) {
  if (st.stx_nlink < 2 || !copy.links.valid()) return false;
  return sys::linkat(copy.links.get(), link_name(st).c(), to, name, 0) == 0;
}

// Remembers the copy of a file with several links. Where that can't be (the filesystem is full), the next
// becomes a file of its own.
void remember_link(Copy& copy, const struct statx& st, int to, const char* name) {
  if (st.stx_nlink < 2) return;
  if (!copy.links.valid()) {
    if (sys::mkdirat(copy.top, kLinks, 0700) < 0) return;
    copy.links.reset(sys::openat(copy.top, kLinks, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }
  if (copy.links.valid()) (void)sys::linkat(to, name, copy.links.get(), link_name(st).c(), 0);
}

Result forget_links(Copy& copy) {
  if (!copy.links.valid()) return done();
  alignas(8) u8 entries[2048];
  // From the start after each round: what is left has moved.
  for (long n = 1; n > 0;) {
    OCI_TRY(check(Sys::lseek_, sys::lseek(copy.links.get(), 0, 0)));
    n = sys::getdents64(copy.links.get(), entries, sizeof(entries));
    if (n < 0) return fail(Sys::getdents64_, n);
    bool any = false;
    for (long at = 0; at < n;) {
      const Dirent* entry = reinterpret_cast<const Dirent*>(entries + at);
      at += entry->size;
      if (Str(entry->name()) == Str(".") || Str(entry->name()) == Str("..")) continue;
      any = true;
      OCI_TRY(check(Sys::unlinkat_, sys::unlinkat(copy.links.get(), entry->name(), 0)));
    }
    if (!any) break;
  }
  return check(Sys::unlinkat_, sys::unlinkat(copy.top, kLinks, AT_REMOVEDIR));
}

Result copy_leaf(Copy& copy, const struct statx& st, int from, int to, const char* name) {
  switch (st.stx_mode & S_IFMT) {
    case S_IFREG:
      return st.stx_mnt_id == copy.mount ? copy_file(copy, st, from, to, name) : done();
    case S_IFLNK:
      return copy_link(copy, st, from, to, name);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
      return copy_node(copy, st, to, name);
    default:
      return done();
  }
}

Result copy_entry(Copy& copy, int from, int to, const char* name, int depth) {
  struct statx st;
  long rc =
      sys::statx(from, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID, &st);
  // Somebody else removed it meanwhile.
  if (rc == -ENOENT) return done();
  if (rc < 0) return copy.ctx.failed_on(Sys::statx_, rc, name);
  if ((st.stx_mode & S_IFMT) == S_IFDIR) return copy_subdir(copy, st, from, to, name, depth);
  if (link_copied(copy, st, to, name)) return done();
  OCI_TRY(copy_leaf(copy, st, from, to, name));
  remember_link(copy, st, to, name);
  return done();
}

Result copy_dir(Copy& copy, int from, int to, int depth) {
  alignas(8) u8 entries[2048];
  for (;;) {
    long n = sys::getdents64(from, entries, sizeof(entries));
    if (n < 0) return fail(Sys::getdents64_, n);
    if (n == 0) return done();
    for (long at = 0; at < n;) {
      const Dirent* entry = reinterpret_cast<const Dirent*>(entries + at);
      at += entry->size;
      const char* name = entry->name();
      if (Str(name) == Str(".") || Str(name) == Str("..")) continue;
      OCI_TRY(copy_entry(copy, from, to, name, depth));
    }
  }
}

}  // namespace

Result copy_up(Context& ctx, int from, int to) {
  long rc = sys::openat(from, ".", O_RDONLY | O_DIRECTORY);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, "the directory to be copied");
  Fd source(rc);
  rc = sys::openat(to, ".", O_RDONLY | O_DIRECTORY);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, "the directory to be filled");
  Fd top(rc);
  struct statx st;
  OCI_TRY(check(Sys::statx_, sys::statx_fd(source.get(), STATX_BASIC_STATS | STATX_MNT_ID, &st)));
  Copy copy(ctx, st.stx_mnt_id);
  copy.top = top.get();
  OCI_TRY(copy_dir(copy, source.get(), top.get(), 0));
  OCI_TRY(forget_links(copy));
  OCI_TRY(copy_xattrs(copy, source.get(), top.get()));
  time_of(st, top.get(), nullptr, 0);
  return done();
}

}  // namespace oci
