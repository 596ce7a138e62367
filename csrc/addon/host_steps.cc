// The steps that only the addon carries out, but for `spawn`.
#include "../init/calls.h"
#include "../init/interp.h"
#include "../init/steps.h"
#include "../messages.h"
#include "host_context.h"

#ifndef F_SETPIPE_SZ
#define F_SETPIPE_SZ 1031
#endif

namespace oci::steps {
namespace {

// Field 22 of /proc/PID/stat, in clock ticks since boot. The second field is the comm in parentheses, which
// may hold anything, so counting begins after the last one.
Result start_time(Context& ctx, u64 pid, u64& out) {
  FixedString<64> path;
  path.add("/proc/").num(pid).add("/stat");
  long rc = sys::openat(AT_FDCWD, path.c(), O_RDONLY);
  if (rc == -ENOENT) return fail(Sys::openat_, -ESRCH);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, path);
  Fd fd(rc);
  char buffer[1024];
  long n = sys::read(fd.get(), buffer, sizeof(buffer));
  if (n < 0) return fail(Sys::read_, n);
  Str text(buffer, static_cast<usize>(n));
  usize at = text.size;
  while (at > 0 && text[at - 1] != ')') at--;
  // `at` is behind the parenthesis; a space, then field 3.
  for (int number = 3; at < text.size; number++) {
    usize from = at + 1;
    at = text.find(' ', from);
    if (number == 22) {
      if (parse_u64(text.slice(from, at), out)) return done();
      break;
    }
  }
  return ctx.refuse(EIO, "can't read the start time from ", path);
}

}  // namespace

Result openPidfd(Context& ctx, const Record& r) {
  u64 pid = r.num(f::openPidfd::pid);
  if (pid == 0 || pid > 0x7fffffff) return ctx.refuse(EINVAL, "not a pid");
  long rc = sys::pidfd_open(static_cast<int>(pid), 0);
  if (rc < 0) return fail(Sys::pidfd_open_, rc);
  Fd pidfd(rc);
  // Read while the pidfd is held and found to be alive afterwards: the number can't have changed hands
  // between.
  if (u64 expected = r.num(f::openPidfd::startTime); expected != 0) {
    u64 actual = 0;
    OCI_TRY(start_time(ctx, pid, actual));
    if (actual != expected) return ctx.refuse(ESRCH, "the pid belongs to another process now");
  }
  return slot_put(ctx, r, f::openPidfd::to, static_cast<Fd&&>(pidfd));
}

Result signal(Context& ctx, const Record& r) {
  int pidfd = -1;
  OCI_TRY(slot_fd(ctx, r, f::signal::pidfd, pidfd));
  return check(Sys::pidfd_send_signal_,
               sys::pidfd_send_signal(pidfd, static_cast<int>(r.num(f::signal::signal))));
}

Result waitPidfd(Context& ctx, const Record& r) {
  int pidfd = -1;
  OCI_TRY(slot_fd(ctx, r, f::waitPidfd::pidfd, pidfd));
  constexpr u64 kMillion = 1000000;
  u64 limit = r.num(f::waitPidfd::timeoutMs);
  if (limit > u64{1} << 40) limit = u64{1} << 40;
  u64 until = monotonic_ns() + limit * kMillion;
  for (;;) {
    u64 now = monotonic_ns();
    u64 left = now < until ? until - now : 0;
    TimeSpec timeout = {static_cast<i64>(left / (1000 * kMillion)),
                        static_cast<i64>(left % (1000 * kMillion))};
    PollFd entry = {pidfd, kPollIn, 0};
    long rc = sys::ppoll(&entry, 1, &timeout);
    if (rc > 0) return done();
    if (rc == 0 && left == 0) return ctx.refuse(ETIMEDOUT, "the process still runs");
    if (rc < 0 && rc != -EINTR) return fail(Sys::ppoll_, rc);
  }
}

Result sendGo(Context& ctx, const Record& r) {
  int socket = -1;
  OCI_TRY(slot_fd(ctx, r, f::sendGo::slot, socket));
  MessageHeader header = {};
  header.kind = static_cast<u32>(MessageKind::go);
  IoVec part = {&header, sizeof(header)};
  MsgHdr message = {};
  message.iov = &part;
  message.iov_count = 1;
  return check(Sys::sendmsg_, sys::sendmsg(socket, &message, kMsgNosignal));
}

Result pipe(Context& ctx, const Record& r) {
  int ends[2];
  OCI_TRY(check(Sys::pipe2_, sys::pipe2(ends, O_CLOEXEC)));
  Fd read(ends[0]), write(ends[1]);
  // More room is for speed: a user over the limit (EPERM) goes without.
  if (u64 size = r.num(f::pipe::size); size != 0) {
    long rc = sys::fcntl(write.get(), F_SETPIPE_SZ, static_cast<long>(size));
    if (rc < 0 && rc != -EPERM) return fail(Sys::fcntl_, rc);
  }
  OCI_TRY(slot_put(ctx, r, f::pipe::read, static_cast<Fd&&>(read)));
  return slot_put(ctx, r, f::pipe::write, static_cast<Fd&&>(write));
}

}  // namespace oci::steps
