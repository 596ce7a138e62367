#include "talk.h"

#include "calls.h"

namespace oci {
namespace {

// One SCM_RIGHTS control message with one fd.
struct FdControl {
  CmsgHdr header;
  i32 fd;
  i32 padding;
};

constexpr usize kFdControlSize = sizeof(CmsgHdr) + sizeof(i32);
constexpr u32 kMostFds = 8;

// Room for more fds than are wanted, so that none is lost unclosed.
struct ReceiveControl {
  CmsgHdr header;
  i32 fds[kMostFds];
};

void take_fds(const MsgHdr& header, const ReceiveControl& control, Incoming& message) {
  if (header.control_size < kFdControlSize) return;
  if (control.header.level != kSolSocket || control.header.type != kScmRights) return;
  u32 count = static_cast<u32>((control.header.size - sizeof(CmsgHdr)) / sizeof(i32));
  for (u32 i = 0; i < count && i < kMostFds; i++) {
    if (i == 0) {
      message.fd.reset(control.fds[0]);
    } else {
      close_fd(control.fds[i]);
    }
  }
}

bool is_gone(long rc) {
  return rc == -EPIPE || rc == -ECONNRESET;
}

// A seccomp filter may forbid sendmsg(2), and seldom write(2).
long write_message(int socket, const MessageHeader& header, Str text) {
  u8 packet[sizeof(header) + kMaxMessageText];
  __builtin_memcpy(packet, &header, sizeof(header));
  __builtin_memcpy(packet + sizeof(header), text.data, header.length);
  long n = sys::write(socket, packet, sizeof(header) + header.length);
  return n < 0 ? n : 0;
}

}  // namespace

long send_message(const Context& ctx, int socket, const Outgoing& m) {
  if (socket < 0) return -EBADF;
  MessageHeader header = {};
  header.kind = static_cast<u32>(m.kind);
  header.step = ctx.step;
  header.part = ctx.part;
  header.error = m.failure.error;
  header.syscall = static_cast<u32>(m.failure.sys);
  header.value = m.value;
  header.length = static_cast<u32>(m.text.size < kMaxMessageText ? m.text.size : kMaxMessageText);
  IoVec parts[2] = {{&header, sizeof(header)}, {m.text.data, header.length}};
  FdControl control = {{kFdControlSize, kSolSocket, kScmRights}, m.fd, 0};
  MsgHdr message = {nullptr, 0, parts, 2, nullptr, 0, 0};
  if (m.fd >= 0) {
    message.control = &control;
    message.control_size = sizeof(control);
  }
  long rc;
  do {
    rc = sys::sendmsg(socket, &message, kMsgNosignal);
  } while (rc == -EINTR);
  if (rc >= 0) return 0;
  if (m.fd >= 0 || is_gone(rc)) return rc;
  return write_message(socket, header, m.text);
}

long receive_message(int socket, Incoming& message, i64 timeout_ms) {
  if (timeout_ms >= 0) {
    PollFd poll = {socket, kPollIn, 0};
    TimeSpec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    long rc = sys::ppoll(&poll, 1, &timeout);
    if (rc < 0) return rc;
    if (rc == 0) return -ETIMEDOUT;
  }
  MessageHeader header = {};
  u8 rest[64];
  IoVec parts[2] = {{&header, sizeof(header)}, {rest, sizeof(rest)}};
  ReceiveControl control = {};
  MsgHdr packet = {nullptr, 0, parts, 2, &control, sizeof(control), 0};
  long n;
  do {
    n = sys::recvmsg(socket, &packet, kMsgCmsgCloexec);
  } while (n == -EINTR);
  if (n == 0 || is_gone(n)) return -EPIPE;
  if (n < 0) return n;
  take_fds(packet, control, message);
  if (n < static_cast<long>(sizeof(header))) return -EPROTO;
  message.kind = static_cast<MessageKind>(header.kind);
  return 0;
}

int listener_of(const Context& ctx) {
  return ctx.starter >= 0 ? ctx.starter : ctx.parent;
}

Result wait_for_go(Context& ctx) {
  Incoming answer;
  long rc = receive_message(ctx.parent, answer, -1);
  if (rc == -EPIPE || (rc == 0 && answer.kind == MessageKind::abort)) sys::exit_group(1);
  if (rc < 0) return fail(Sys::recvmsg_, rc);
  if (answer.kind != MessageKind::go) return ctx.refuse(EPROTO, "the parent answered something else than go");
  return done();
}

void exit_if_orphaned(const Context& ctx) {
  if (ctx.parent < 0) return;
  PollFd poll = {ctx.parent, 0, 0};
  TimeSpec now = {};
  if (sys::ppoll(&poll, 1, &now) > 0 && (poll.revents & (kPollHup | kPollErr)) != 0) sys::exit_group(1);
}

void warn(const Context& ctx, Str text) {
  Outgoing message{MessageKind::warning};
  message.text = text;
  (void)send_message(ctx, listener_of(ctx), message);
}

}  // namespace oci
