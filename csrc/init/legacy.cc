#include "legacy.h"

#include "attach.h"
#include "calls.h"

namespace oci {

namespace {

struct FlagName {
  const char* name;
  u64 flag;
};

// Those that are the default have 0.
constexpr FlagName kFlagNames[] = {
    {"ro", MS_RDONLY},
    {"rw", 0},
    {"sync", MS_SYNCHRONOUS},
    {"async", 0},
    {"dirsync", MS_DIRSYNC},
    {"lazytime", MS_LAZYTIME},
    {"nolazytime", 0},
    {"mand", MS_MANDLOCK},
    {"nomand", 0},
    {"silent", MS_SILENT},
    {"loud", 0},
    {"iversion", MS_I_VERSION},
    {"noiversion", 0},
};

// What is mounted on top of the root: `..` stays at the root of a lookup, and steps on what covers it.
Result open_on_top(Context& ctx, int root, Fd& out) {
  long fd = open_resolved(root, "..", O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  if (fd < 0) return fail(Sys::openat2_, fd);
  out.reset(fd);
  FileId below;
  FileId top;
  OCI_TRY(identify(ctx, root, below));
  OCI_TRY(identify(ctx, out.get(), top));
  if (top.mount == below.mount || !top.mount_root)
    return ctx.refuse(EAGAIN, "a mount is not where it was made");
  return done();
}

}  // namespace

bool ms_flag_of_name(Str name, u64& set) {
  for (const FlagName& entry : kFlagNames) {
    if (name == Str(entry.name)) {
      set |= entry.flag;
      return true;
    }
  }
  return false;
}

Result legacy_mount_aside(Context& ctx, int root, Str fstype, Str source, u64 ms_flags, Str data, Fd& out) {
  ViaProc via(ctx);
  OCI_TRY(via.ready(ctx));
  const char* device = source.empty() ? "none" : source.c();
  long rc = sys::mount(device, via.path(root).c(), fstype.c(), ms_flags, data.empty() ? nullptr : data.c());
  if (rc < 0) return fail(Sys::mount_, rc);
  return open_on_top(ctx, root, out);
}

Result legacy_bind(Context& ctx, int root, int source, bool recursive, int target, Str path, Fd& out,
                   bool& placed) {
  FileId from;
  FileId to;
  OCI_TRY(identify(ctx, source, from));
  OCI_TRY(identify(ctx, target, to));
  placed = !from.is_dir();
  {
    ViaProc via(ctx);
    OCI_TRY(via.ready(ctx));
    u64 flags = MS_BIND | (recursive ? MS_REC : 0);
    long rc = sys::mount(via.path(source).c(), via.path(placed ? target : root).c(), nullptr, flags, nullptr);
    if (rc < 0) return ctx.failed_on(Sys::mount_, rc, path);
  }
  if (!placed) return open_on_top(ctx, root, out);
  long fd = open_in_root(root, path, O_PATH);
  if (fd < 0) return ctx.failed_on(Sys::openat2_, fd, path);
  out.reset(fd);
  FileId now;
  OCI_TRY(identify(ctx, out.get(), now));
  if (!now.same_file(from) || now.mount == to.mount || !now.mount_root) {
    return ctx.refuse(EAGAIN, "was exchanged while it was mounted on: ", path);
  }
  return done();
}

}  // namespace oci
