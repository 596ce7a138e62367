// Trees that are kept for a user namespace whose root may not reach the places that they come from.
#include "attach.h"
#include "calls.h"
#include "legacy.h"
#include "steps.h"

namespace oci {

namespace {

// Mounts the empty directory on top of `root`, at the first call, and makes it the working directory: that is
// what leads to its copy in another mount namespace.
Result open_stage(Context& ctx, int root, Fd& stage) {
  if (stage.valid()) return done();
  constexpr u64 kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  OCI_TRY(legacy_mount_aside(ctx, root, "tmpfs", "tmpfs", kFlags, "mode=0755,size=4096", stage));
  return check(Sys::fchdir_, sys::fchdir(stage.get()));
}

Result make_place(Context& ctx, int stage, Str name, bool directory, Fd& out) {
  long rc = directory ? sys::mkdirat(stage, name.c(), 0755)
                      : sys::openat(stage, name.c(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (rc < 0) return ctx.failed_on(directory ? Sys::mkdirat_ : Sys::openat_, rc, name);
  if (!directory) (void)sys::close(static_cast<int>(rc));
  rc = sys::openat(stage, name.c(), O_PATH | O_NOFOLLOW);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, name);
  out.reset(rc);
  return done();
}

}  // namespace

Result steps::stageTree(Context& ctx, const Record& r) {
  namespace fld = f::stageTree;
  int root;
  int tree;
  OCI_TRY(slot_fd(ctx, r, fld::root, root));
  OCI_TRY(slot_fd(ctx, r, fld::tree, tree));
  Str name = r.str(fld::name);
  FileId id;
  OCI_TRY(identify(ctx, tree, id));
  OCI_TRY(open_stage(ctx, root, ctx.mount.stage));
  Fd place;
  OCI_TRY(make_place(ctx, ctx.mount.stage.get(), name, id.is_dir(), place));
  return attach_tree(ctx, tree, place.get(), name);
}

}  // namespace oci
