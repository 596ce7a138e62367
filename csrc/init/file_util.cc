#include "file_util.h"

#include "path.h"

namespace oci {

Result open_parent(Context& ctx, int dir, Str path, u64 resolve, Fd& parent, FixedString<256>& leaf) {
  usize size = path.size;
  while (size > 0 && path[size - 1] == '/') size--;
  usize at = size;
  while (at > 0 && path[at - 1] != '/') at--;
  leaf.set(path.slice(at, size));
  if (leaf.empty() || leaf.str() == Str(".") || leaf.str() == Str("..")) {
    return ctx.refuse(EINVAL, "the path does not end with a name: ", path);
  }
  PathBuffer directory;
  directory.add(at == 0 ? Str(".") : path.slice(0, at));
  if (leaf.truncated() || directory.truncated()) return ctx.failed_on(Sys::openat2_, -ENAMETOOLONG, path);
  long rc = open_resolved(dir, directory.c(), O_PATH | O_DIRECTORY, 0, resolve);
  if (rc < 0) return ctx.failed_on(Sys::openat2_, rc, path);
  parent.reset(rc);
  return done();
}

long read_all(int fd, void* buffer, usize max) {
  u8* to = static_cast<u8*>(buffer);
  usize total = 0;
  while (total < max) {
    long n = sys::read(fd, to + total, max - total);
    if (n == -EINTR) continue;
    if (n < 0) return n;
    if (n == 0) break;
    total += static_cast<usize>(n);
  }
  return static_cast<long>(total);
}

Result write_once(Context& ctx, int fd, Bytes data, Str name) {
  long n;
  do {
    n = sys::write(fd, data.data, data.size);
  } while (n == -EINTR);
  if (n < 0) return ctx.failed_on(Sys::write_, n, name);
  if (static_cast<usize>(n) != data.size) return ctx.failed_on(Sys::write_, -EIO, name);
  return done();
}

long read_file(int dir, const char* path, void* buffer, usize max) {
  Fd fd(sys::openat(dir, path, O_RDONLY | O_NOCTTY));
  if (!fd.valid()) return fd.get();
  return read_all(fd.get(), buffer, max);
}

const Dirent* Directory::next(long& error) {
  error = 0;
  for (;;) {
    if (at_ >= end_) {
      long n = sys::getdents64(fd_.get(), buffer_, sizeof(buffer_));
      if (n <= 0) {
        error = n;
        return nullptr;
      }
      at_ = 0;
      end_ = static_cast<u32>(n);
    }
    const Dirent* entry = reinterpret_cast<const Dirent*>(buffer_ + at_);
    at_ += entry->size;
    const char* name = entry->name();
    if (name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0))) continue;
    return entry;
  }
}

void Directory::rewind() {
  at_ = end_ = 0;
  (void)sys::lseek(fd_.get(), 0, 0);
}

}  // namespace oci
