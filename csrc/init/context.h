// What a step works on, and what it comes to.
#pragma once

#include "../generated/steps.h"
#include "decode.h"
#include "mount_state.h"
#include "slots.h"
#include "str.h"

namespace oci {

// What a step came to: 0, or a positive errno with the call that gave it. A text for people goes into
// Context::text.
struct [[nodiscard]] Result {
  i32 error = 0;
  Sys sys = Sys::none;

  bool ok() const { return error == 0; }
  bool failed() const { return error != 0; }
};

inline Result done() {
  return Result{};
}
// A failed call; `rc` is what it returned (-errno).
inline Result fail(Sys sys, long rc) {
  return Result{static_cast<i32>(-rc), sys};
}
// The result of a call that returns 0 or more if all went well.
inline Result check(Sys sys, long rc) {
  return rc < 0 ? fail(sys, rc) : done();
}

// Goes on only if `expr`, a Result, is no failure.
#define OCI_TRY(expr)                                                        \
  do {                                                                       \
    if (::oci::Result oci_try_ = (expr); oci_try_.failed()) return oci_try_; \
  } while (0)

// Where the results of `read` steps go (host batches).
struct ReadSink {
  // Memory for at most `max` bytes, or null.
  u8* (*reserve)(void* self, usize max) = nullptr;
  // So many bytes of it were read: one result of one `read` step.
  void (*commit)(void* self, usize size) = nullptr;
  void* self = nullptr;
};

struct Context {
  // true: on a thread of the addon. Steps then must not change anything of the thread or the process, only
  // the kernel's objects that they name.
  bool hosted = false;
  Slots slots;
  // Explains the failure of the step that runs, beyond its errno. Empty before each step.
  FixedString<6144> text;
  MountState mount;
  ReadSink reads;

  // The rest is init's.
  int parent = -1;           // socket; -1 once the parent is not needed any more
  int starter = -1;          // connection of `start`, after waitStart
  Report* report = nullptr;  // shared with the parent
  PathBuffer program;        // what findProgram found; empty: nothing
  Plan tail;                 // replaces the rest of the plan after this step, if `base` is set
  u32 step = 0;
  u32 part = 0;
  // The plan in progress, and the offset in it of the step in progress.
  Plan plan;
  u32 offset = 0;
  // A `chdir` with noFail could not: one with `retry` is still to come.
  bool chdir_pending = false;
  // Made by prepare_exec().
  const char** exec_args = nullptr;
  const char** exec_env = nullptr;
  FixedString<1040> exec_home;
  FixedString<32> exec_pid;

  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // A refusal of our own, with its reason.
  Result refuse(i32 error, Str why) {
    text.set(why);
    return Result{error, Sys::none};
  }
  Result refuse(i32 error, Str why, Str what) {
    text.set(why).add(what);
    return Result{error, Sys::none};
  }
  // A failed call, with what it was done on.
  Result failed_on(Sys sys, long rc, Str what) {
    text.set(what);
    return fail(sys, rc);
  }
};

// The fd in a required slot, or EBADF.
Result slot_fd(Context& ctx, const Record& r, u32 field, int& fd);
// The fd in an optional slot for directories: AT_FDCWD where none is named, EBADF if it is named and empty.
Result slot_dir(Context& ctx, const Record& r, u32 field, int& fd);
// Puts an fd into the slot of a field (optional: closes the fd if none is named).
Result slot_put(Context& ctx, const Record& r, u32 field, Fd fd);

}  // namespace oci
