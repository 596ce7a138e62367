// Steps that steer the program: stages, syncs, the wait for `start`.
#include "calls.h"
#include "steps.h"
#include "talk.h"

namespace oci {
namespace {

// A starter that says nothing does not keep others out for longer than this.
constexpr i64 kStarterTimeoutMs = 5000;

// Tells a starter that it comes to nothing. What it sent must be read before its socket is closed: unread, it
// would reset the connection, and the answer with it.
void answer_error(const Context& ctx, int socket, i32 error, Str text) {
  constexpr int kShutRead = 0;
  (void)sys::call(__NR_shutdown, socket, kShutRead);
  Incoming unread;
  for (long rc = 0; rc == 0 || rc == -EPROTO;) rc = receive_message(socket, unread, 0);
  Outgoing message{MessageKind::error};
  message.failure = Result{error, Sys::none};
  message.text = text;
  (void)send_message(ctx, socket, message);
}

// Maps the plan in a memfd that nobody can change any more. Null, or the reason.
const char* map_tail(int fd, Plan& plan) {
  constexpr long kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  long seals = sys::fcntl(fd, F_GET_SEALS, 0);
  if (seals < 0 || (seals & kSeals) != kSeals) return "the tail's memory is not sealed";
  constexpr int kSeekEnd = 2;
  long size = sys::lseek(fd, 0, kSeekEnd);
  if (size <= 0 || size > static_cast<long>(kMaxPlanSize)) return "the tail has no proper size";
  constexpr int kReadOnly = 1;
  constexpr int kPrivate = 2;
  long at = sys::mmap(static_cast<usize>(size), kReadOnly, kPrivate, fd);
  if (at < 0 && at > -4096) return "the tail cannot be mapped";
  const u8* data = reinterpret_cast<const u8*>(at);
  DecodeResult decoded = decode_plan(data, static_cast<usize>(size), plan);
  return decoded.error == DecodeError::none ? nullptr : decode_error_text(decoded.error);
}

// Whether the message of one connection releases this program.
bool released_by(Context& ctx, int connection) {
  Incoming message;
  long rc = receive_message(connection, message, kStarterTimeoutMs);
  if (rc == -EPROTO) answer_error(ctx, connection, EPROTO, "this is no message");
  if (rc < 0) return false;
  if (message.kind == MessageKind::go) return true;
  if (message.kind != MessageKind::tail || !message.fd.valid()) {
    answer_error(ctx, connection, EPROTO, "go or a tail with its memory is expected");
    return false;
  }
  Plan tail;
  const char* wrong = map_tail(message.fd.get(), tail);
  if (wrong != nullptr) {
    answer_error(ctx, connection, EINVAL, wrong);
    return false;
  }
  ctx.tail = tail;
  return true;
}

// Nobody else can connect, and those who did already are told.
void refuse_others(const Context& ctx, int listener) {
  constexpr int kShutReadWrite = 2;
  (void)sys::call(__NR_shutdown, listener, kShutReadWrite);
  for (;;) {
    Fd connection(sys::accept4(listener, kSockCloexec | kSockNonblock));
    if (!connection.valid()) return;
    answer_error(ctx, connection.get(), EALREADY, "the container has been started already");
  }
}

Result accept_starter(Context& ctx, int listener) {
  for (;;) {
    PollFd poll = {listener, kPollIn, 0};
    long rc = sys::ppoll(&poll, 1, nullptr);
    if (rc == -EINTR) continue;
    if (rc < 0) return fail(Sys::ppoll_, rc);
    Fd connection(sys::accept4(listener, kSockCloexec));
    if (connection.get() == -EAGAIN || connection.get() == -EINTR || connection.get() == -ECONNABORTED)
      continue;
    if (!connection.valid()) return fail(Sys::accept4_, connection.get());
    if (!released_by(ctx, connection.get())) continue;
    ctx.starter = connection.release();
    return done();
  }
}

void set_comm(const char* name) {
  (void)sys::prctl(PR_SET_NAME, reinterpret_cast<u64>(name));
}

}  // namespace

namespace steps {

// The new stage goes on when the old one is gone: by then the parent has been told of it.
Result fork(Context& ctx, const Record& r) {
  if (ctx.parent < 0) return ctx.refuse(EINVAL, "there is no parent to tell of a new stage");
  int pipe[2];
  OCI_TRY(check(Sys::pipe2_, sys::pipe2(pipe, O_CLOEXEC)));
  Fd read_end(pipe[0]);
  Fd write_end(pipe[1]);
  int pidfd = -1;
  long pid = sys::clone(r.num(f::fork::flags) | CLONE_PARENT | CLONE_PIDFD, &pidfd);
  if (pid < 0) return oci::fail(Sys::clone_, pid);
  if (pid > 0) {
    Outgoing message{MessageKind::stage};
    message.fd = pidfd;
    long rc = send_message(ctx, ctx.parent, message);
    if (rc < 0) (void)sys::pidfd_send_signal(pidfd, kSigKill);
    sys::exit_group(rc < 0 ? 1 : 0);
  }
  write_end.reset();
  u8 byte;
  while (sys::read(read_end.get(), &byte, 1) == -EINTR) {
  }
  exit_if_orphaned(ctx);
  return done();
}

Result sync(Context& ctx, const Record& r) {
  if (ctx.parent < 0) return ctx.refuse(EINVAL, "there is no parent to wait for");
  Outgoing message{MessageKind::sync};
  message.value = r.num(f::sync::name);
  long rc = send_message(ctx, ctx.parent, message);
  if (rc == -EPIPE) sys::exit_group(1);
  if (rc < 0) return oci::fail(Sys::sendmsg_, rc);
  return wait_for_go(ctx);
}

Result waitGo(Context& ctx, const Record&) {
  if (ctx.parent < 0) return ctx.refuse(EINVAL, "there is no parent to wait for");
  return wait_for_go(ctx);
}

Result waitStart(Context& ctx, const Record& r) {
  int listener;
  OCI_TRY(slot_fd(ctx, r, f::waitStart::listen, listener));
  if (ctx.parent < 0) return ctx.refuse(EINVAL, "there is no parent to tell that it is created");
  char old_name[16] = {};
  (void)sys::prctl(PR_GET_NAME, reinterpret_cast<u64>(old_name));
  set_comm(kInitComm);
  long rc = send_message(ctx, ctx.parent, Outgoing{MessageKind::created});
  if (rc == -EPIPE) sys::exit_group(1);
  if (rc < 0) return oci::fail(Sys::sendmsg_, rc);
  OCI_TRY(wait_for_go(ctx));
  close_fd(ctx.parent);
  ctx.parent = -1;
  OCI_TRY(accept_starter(ctx, listener));
  refuse_others(ctx, listener);
  ctx.slots.close(r.slot(f::waitStart::listen));
  set_comm(old_name);
  return done();
}

Result sendFd(Context& ctx, const Record& r) {
  int fd;
  OCI_TRY(slot_fd(ctx, r, f::sendFd::slot, fd));
  Outgoing message{MessageKind::fd};
  message.value = r.num(f::sendFd::name);
  message.fd = fd;
  return check(Sys::sendmsg_, send_message(ctx, listener_of(ctx), message));
}

}  // namespace steps
}  // namespace oci
