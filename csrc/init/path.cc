#include "path.h"

#include "calls.h"

namespace oci {
namespace {

constexpr int kMostTries = 64;
constexpr int kMostLinks = 40;

constexpr u64 kOpenDir = O_PATH | O_DIRECTORY;
constexpr u64 kOpenChildDir = O_PATH | O_DIRECTORY | O_NOFOLLOW;

Result not_found_in_root(Context& ctx, long rc, Str path) {
  return ctx.failed_on(Sys::openat2_, rc, path);
}

// Where the last component of `path` begins, and the path without it (and without the slashes between).
usize last_component(Str path) {
  usize at = path.size;
  while (at > 0 && path[at - 1] != '/') at--;
  return at;
}

Str without_slashes_at_end(Str path) {
  usize size = path.size;
  while (size > 0 && path[size - 1] == '/') size--;
  return path.slice(0, size);
}

bool is_dots(Str name) {
  return name == Str(".") || name == Str("..");
}

// Makes one directory in `parent` with exactly `mode` and opens it. An existing one is taken. -errno.
long make_child_dir(int parent, const char* name, u32 mode, bool& made) {
  long rc = sys::mkdirat(parent, name, mode);
  if (rc < 0 && rc != -EEXIST) return rc;
  made = rc == 0;
  long fd = sys::openat(parent, name, static_cast<int>(kOpenChildDir));
  if (fd < 0 || !made) return fd;
  // The umask took bits away. The fd is O_PATH, which fchmod refuses; "." of it is the directory itself.
  rc = sys::fchmodat(static_cast<int>(fd), ".", mode);
  if (rc < 0) {
    close_fd(static_cast<int>(fd));
    return rc;
  }
  return fd;
}

// Replaces the symlink that is the component [begin, end) of `path` by what it points to.
Result splice_link(Context& ctx, int parent, PathBuffer& path, usize begin, usize end) {
  PathBuffer name;
  name.add(path.str().slice(begin, end));
  PathBuffer target;
  long n = sys::readlinkat(parent, name.c(), target.data(), PathBuffer::capacity() - 1);
  if (n < 0) return ctx.failed_on(Sys::readlinkat_, n, path);
  target.set_size(static_cast<usize>(n));
  PathBuffer whole;
  if (target.empty() || target.c()[0] != '/') whole.add(path.str().slice(0, begin));
  whole.add(target).add(path.str().from(end));
  if (whole.truncated()) return ctx.failed_on(Sys::readlinkat_, -ENAMETOOLONG, path);
  path.set(whole);
  return done();
}

// Mostly only the last component is missing: opens what is above it, and says where that one begins.
bool open_parent_dir(int root, const PathBuffer& path, usize& at, Fd& dir) {
  Str whole = without_slashes_at_end(path.str());
  usize begin = last_component(whole);
  Str name = whole.from(begin);
  if (begin == 0 || name.empty() || is_dots(name)) return false;
  PathBuffer above;
  above.add(whole.slice(0, begin));
  dir.reset(open_in_root(root, above, kOpenDir));
  if (!dir.valid()) return false;
  at = begin;
  return true;
}

}  // namespace

long open_resolved(int dir, const char* path, u64 flags, u64 mode, u64 resolve) {
  open_how how = {flags | O_CLOEXEC, mode, resolve};
  long rc = -EAGAIN;
  // EAGAIN: something on the path was renamed or mounted meanwhile, and `..` could not be judged.
  for (int i = 0; i < kMostTries && (rc == -EAGAIN || rc == -EINTR); i++) rc = sys::openat2(dir, path, &how);
  return rc;
}

long open_in_root(int root, Str path, u64 flags, u64 mode, u64 extra) {
  const char* name = path.empty() ? "." : path.c();
  return open_resolved(root, name, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | extra);
}

Result make_dirs_in_root(Context& ctx, int root, Str wanted, u32 mode, Fd& out, bool* made) {
  if (made != nullptr) *made = false;
  long rc = open_in_root(root, wanted, kOpenDir);
  if (rc >= 0) {
    out.reset(rc);
    return done();
  }
  if (rc != -ENOENT) return not_found_in_root(ctx, rc, wanted);
  PathBuffer path;
  path.add(wanted);
  if (path.truncated()) return not_found_in_root(ctx, -ENAMETOOLONG, wanted);
  int links = 0;
  usize at = 0;
  Fd dir;
  bool missing = open_parent_dir(root, path, at, dir);
  if (!missing) dir.reset(open_in_root(root, "/", kOpenDir));
  if (!dir.valid()) return not_found_in_root(ctx, dir.get(), wanted);
  for (;;) {
    while (at < path.size() && path.c()[at] == '/') at++;
    if (at >= path.size()) break;
    usize end = path.str().find('/', at);
    PathBuffer prefix;
    prefix.add(path.str().slice(0, end));
    rc = missing ? -ENOENT : open_in_root(root, prefix, kOpenDir);
    missing = false;
    if (rc == -ENOENT) {
      FixedString<256> name;
      name.add(path.str().slice(at, end));
      if (name.truncated()) return not_found_in_root(ctx, -ENAMETOOLONG, wanted);
      bool fresh = false;
      rc = make_child_dir(dir.get(), name.c(), mode, fresh);
      if (rc < 0 && (rc == -ELOOP || rc == -ENOTDIR)) {
        // A symlink to something missing.
        if (++links > kMostLinks) return not_found_in_root(ctx, -ELOOP, wanted);
        OCI_TRY(splice_link(ctx, dir.get(), path, at, end));
        at = 0;
        dir.reset(open_in_root(root, "/", kOpenDir));
        continue;
      }
      if (rc < 0) return ctx.failed_on(Sys::mkdirat_, rc, wanted);
      if (made != nullptr) *made = fresh;
    }
    if (rc < 0) return not_found_in_root(ctx, rc, wanted);
    dir.reset(rc);
    at = end;
  }
  out.reset(dir.release());
  return done();
}

Result open_parent_in_root(Context& ctx, int root, Str path, bool make, Fd& parent, FixedString<256>& leaf) {
  Str whole = without_slashes_at_end(path);
  usize at = last_component(whole);
  Str name = whole.from(at);
  if (name.empty() || is_dots(name)) {
    return ctx.refuse(EINVAL, "the path does not end with a name: ", path);
  }
  leaf.set(name);
  if (leaf.truncated()) return not_found_in_root(ctx, -ENAMETOOLONG, path);
  PathBuffer directory;
  directory.add(at == 0 ? Str("/") : whole.slice(0, at));
  if (directory.truncated()) return not_found_in_root(ctx, -ENAMETOOLONG, path);
  if (make) return make_dirs_in_root(ctx, root, directory, 0755, parent);
  long rc = open_in_root(root, directory, kOpenDir);
  if (rc < 0) return not_found_in_root(ctx, rc, path);
  parent.reset(rc);
  return done();
}

Result make_file_in_root(Context& ctx, int root, Str path, u32 mode, Fd& out) {
  PathBuffer current;
  current.add(path);
  if (current.truncated()) return not_found_in_root(ctx, -ENAMETOOLONG, path);
  for (int links = 0; links <= kMostLinks; links++) {
    long rc = open_in_root(root, current, O_PATH);
    if (rc >= 0) {
      out.reset(rc);
      return done();
    }
    if (rc != -ENOENT) return not_found_in_root(ctx, rc, path);
    Fd parent;
    FixedString<256> leaf;
    OCI_TRY(open_parent_in_root(ctx, root, current, true, parent, leaf));
    rc = sys::openat(parent.get(), leaf.c(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_NONBLOCK, mode);
    if (rc >= 0) {
      Fd file(rc);
      OCI_TRY(check(Sys::fchmod_, sys::fchmod(file.get(), mode)));
      rc = sys::openat(parent.get(), leaf.c(), O_PATH | O_NOFOLLOW);
      if (rc < 0) return ctx.failed_on(Sys::openat_, rc, path);
      out.reset(rc);
      return done();
    }
    if (rc != -EEXIST) return ctx.failed_on(Sys::openat_, rc, path);
    // A symlink to something missing, or somebody else was faster.
    PathBuffer target;
    long n = sys::readlinkat(parent.get(), leaf.c(), target.data(), PathBuffer::capacity() - 1);
    if (n == -EINVAL) continue;
    if (n < 0) return ctx.failed_on(Sys::readlinkat_, n, path);
    target.set_size(static_cast<usize>(n));
    PathBuffer next;
    if (target.empty() || target.c()[0] != '/') {
      Str whole = without_slashes_at_end(current);
      next.add(whole.slice(0, last_component(whole)));
    }
    next.add(target);
    if (next.truncated()) return not_found_in_root(ctx, -ENAMETOOLONG, path);
    current.set(next);
  }
  return not_found_in_root(ctx, -ELOOP, path);
}

FixedString<32> fd_path(int fd) {
  FixedString<32> path;
  path.add("/proc/self/fd/").snum(fd);
  return path;
}

}  // namespace oci
