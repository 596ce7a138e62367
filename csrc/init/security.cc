// Steps that load labels and filters.
#include "../addon/clone.h"
#include "calls.h"
#include "exec.h"
#include "procfs.h"
#include "steps.h"
#include "talk.h"

namespace oci {
namespace {

constexpr u64 kNewListener = 8;  // SECCOMP_FILTER_FLAG_NEW_LISTENER
constexpr u32 kInsnSize = 8;

struct SockFprog {
  u16 count;
  const void* filter;
};

long load_filter(u64 flags, Bytes filter) {
  constexpr int kSetModeFilter = 1;
  SockFprog program = {static_cast<u16>(filter.size / kInsnSize), filter.data};
  return sys::call(__NR_seccomp, kSetModeFilter, flags, &program);
}

// A thread that shares the fds but not the filter: it hands out the listener's fd, since the filter may ask
// that very listener about the calls which that takes.
struct ListenerHelper {
  const Context* ctx;
  int socket;
  i32 fd = 0;  // what the filter's load returned plus 1, or a negative errno
  long result = 0;
  i32 finished = 0;
};

void helper_main(void* argument) {
  ListenerHelper& h = *static_cast<ListenerHelper*>(argument);
  i32 fd;
  while ((fd = __atomic_load_n(&h.fd, __ATOMIC_ACQUIRE)) == 0) {
    TimeSpec pause = {0, 20000};
    (void)sys::nanosleep(&pause);
  }
  if (fd > 0) {
    Outgoing message{MessageKind::fd};
    message.value = kFdSeccomp;
    message.fd = fd - 1;
    h.result = send_message(*h.ctx, h.socket, message);
    (void)sys::close(fd - 1);
  }
  __atomic_store_n(&h.finished, 1, __ATOMIC_RELEASE);
  for (;;) sys::call(__NR_exit, 0);
}

alignas(16) u8 helper_stack[16384];

Result load_with_listener(Context& ctx, u64 flags, Bytes filter) {
  static ListenerHelper helper;
  helper = ListenerHelper{&ctx, listener_of(ctx)};
  if (helper.socket < 0) return ctx.refuse(ENOTCONN, "nobody waits for the seccomp listener");
  constexpr u64 share = CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  long tid = oci_clone(share, helper_stack + sizeof(helper_stack), nullptr, helper_main, &helper);
  if (tid < 0) return fail(Sys::clone_, tid);
  long fd = load_filter(flags, filter);
  __atomic_store_n(&helper.fd, fd < 0 ? static_cast<i32>(fd) : static_cast<i32>(fd) + 1, __ATOMIC_RELEASE);
  // No system call here: any could be one that waits for the listener.
  while (__atomic_load_n(&helper.finished, __ATOMIC_ACQUIRE) == 0) {
  }
  if (fd < 0) return fail(Sys::seccomp_, fd);
  return check(Sys::sendmsg_, helper.result);
}

// A filter may forbid what an exec needs besides the exec.
Result prepare_following_exec(Context& ctx) {
  for (u32 at = ctx.offset; at < ctx.plan.size; at = ctx.plan.next(at)) {
    Record record = ctx.plan.at(at);
    if (record.op() == Op::exec) return prepare_exec(ctx, record);
  }
  return done();
}

}  // namespace

namespace steps {

Result seccomp(Context& ctx, const Record& r) {
  Bytes filter = r.bytes(f::seccomp::filter);
  u64 flags = r.num(f::seccomp::flags);
  if (filter.size == 0 || filter.size % kInsnSize != 0 || filter.size / kInsnSize > 0xffff) {
    return ctx.refuse(EINVAL, "no whole seccomp filter");
  }
  OCI_TRY(prepare_following_exec(ctx));
  if ((flags & kNewListener) != 0) return load_with_listener(ctx, flags, filter);
  return check(Sys::seccomp_, load_filter(flags, filter));
}

// Labels belong to the thread that executes; this program has only one.
Result lsmLabel(Context& ctx, const Record& r) {
  int proc;
  OCI_TRY(slot_fd(ctx, r, f::lsmLabel::proc, proc));
  Str value = r.str(f::lsmLabel::value);
  FixedString<128> path;
  path.add("self/attr/").add(r.str(f::lsmLabel::lsm)).add("/exec");
  Result result = write_proc(ctx, proc, path, value);
  if (result.error != ENOENT) return result;
  ctx.text.clear();
  return write_proc(ctx, proc, "self/attr/exec", value);
}

}  // namespace steps
}  // namespace oci
