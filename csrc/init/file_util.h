// What several file steps have in common.
#pragma once

#include "calls.h"
#include "context.h"

namespace oci {

// The directory and the last name of `path` (relative to `dir`; symlinks in the directory's part are
// followed, for a path of the own root). The name is never empty, `.` or `..`: EINVAL.
Result open_parent(Context& ctx, int dir, Str path, u64 resolve, Fd& parent, FixedString<256>& leaf);

// Reads at most `max` bytes, to the end of the file. How many, or -errno.
long read_all(int fd, void* buffer, usize max);

// One write(2). EIO if it took less than all.
Result write_once(Context& ctx, int fd, Bytes data, Str name);

// Opens a file, reads it (at most `max`), closes it. How many bytes, or -errno.
long read_file(int dir, const char* path, void* buffer, usize max);

// Walks the entries of an open directory but `.` and `..`.
class Directory {
 public:
  // Takes the fd over.
  explicit Directory(Fd fd) : fd_(static_cast<Fd&&>(fd)) {}
  int fd() const { return fd_.get(); }
  // The next entry; null at the end, or on an error, which is then in `error` (-errno).
  const Dirent* next(long& error);
  void rewind();

 private:
  Fd fd_;
  u32 at_ = 0;
  u32 end_ = 0;
  alignas(8) u8 buffer_[1024];
};

}  // namespace oci
