#include "context.h"

#include "uapi.h"

namespace oci {
namespace {

Result empty_slot(Context& ctx, u32 slot) {
  ctx.text.set("slot ").num(slot).add(" is empty");
  return Result{EBADF, Sys::none};
}

}  // namespace

Result slot_fd(Context& ctx, const Record& r, u32 field, int& fd) {
  fd = ctx.slots.get(r.slot(field));
  return fd < 0 ? empty_slot(ctx, r.slot(field)) : done();
}

Result slot_dir(Context& ctx, const Record& r, u32 field, int& fd) {
  if (r.has_slot(field)) return slot_fd(ctx, r, field, fd);
  fd = AT_FDCWD;
  return done();
}

Result slot_put(Context& ctx, const Record& r, u32 field, Fd fd) {
  if (!r.has_slot(field)) return done();
  if (!ctx.slots.put(r.slot(field), fd.release())) return ctx.refuse(EBADF, "no such slot");
  return done();
}

}  // namespace oci
