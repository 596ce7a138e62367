// Kernel parameters, written through a procfs that is none of the container's.
#include "calls.h"
#include "file_util.h"
#include "resolve.h"
#include "steps.h"

namespace oci {

namespace {

// Slashes between names, none of which is empty, `.` or `..`.
bool is_plain(Str key) {
  for (usize at = 0; at <= key.size;) {
    usize end = key.find('/', at);
    Str name = key.slice(at, end);
    if (name.empty() || name == Str(".") || name == Str("..")) return false;
    at = end + 1;
  }
  return true;
}

}  // namespace

Result steps::sysctl(Context& ctx, const Record& r) {
  namespace fld = f::sysctl;
  int proc;
  OCI_TRY(slot_fd(ctx, r, fld::proc, proc));
  Str key = r.str(fld::key);
  if (!is_plain(key)) return ctx.refuse(EINVAL, "is no name of a kernel parameter: ", key);
  FileId id;
  OCI_TRY(identify(ctx, proc, id));
  if (fs_magic(proc) != PROC_SUPER_MAGIC || id.ino != 1)
    return ctx.refuse(EPERM, "is not on a procfs: ", key);
  PathBuffer path;
  path.add("sys/").add(key);
  if (path.truncated()) return ctx.failed_on(Sys::openat2_, -ENAMETOOLONG, key);
  constexpr u64 kResolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  long fd = open_resolved(proc, path.c(), O_WRONLY | O_NOCTTY, 0, kResolve);
  if (fd < 0) return ctx.failed_on(Sys::openat2_, fd, key);
  Fd file(fd);
  Str value = r.str(fld::value);
  return write_once(ctx, file.get(), Bytes{reinterpret_cast<const u8*>(value.data), value.size}, key);
}

}  // namespace oci
