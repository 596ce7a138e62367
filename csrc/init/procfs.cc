#include "procfs.h"

#include "file_util.h"
#include "path.h"

namespace oci {
namespace {

Bytes bytes_of(Str text) {
  return Bytes{reinterpret_cast<const u8*>(text.data), text.size};
}

}  // namespace

Result write_proc(Context& ctx, int proc, Str path, Str text) {
  constexpr u64 resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  Fd fd(open_resolved(proc, path.c(), O_WRONLY | O_NOCTTY, 0, resolve));
  if (!fd.valid()) return ctx.failed_on(Sys::openat2_, fd.get(), path);
  return write_once(ctx, fd.get(), bytes_of(text), path);
}

Result write_own_proc(Context& ctx, const char* path, Str text) {
  Fd fd(sys::openat(AT_FDCWD, path, O_WRONLY | O_NOCTTY | O_NOFOLLOW));
  if (!fd.valid()) return ctx.failed_on(Sys::openat_, fd.get(), path);
  StatFs fs = {};
  OCI_TRY(check(Sys::fstatfs_, sys::fstatfs(fd.get(), &fs)));
  if (fs.type != PROC_SUPER_MAGIC) return ctx.refuse(EXDEV, "it is no file of a procfs: ", path);
  return write_once(ctx, fd.get(), bytes_of(text), path);
}

}  // namespace oci
