// Talk with the parent and with `start`: one datagram a message (see csrc/messages.h).
#pragma once

#include "../messages.h"
#include "context.h"

namespace oci {

struct Outgoing {
  MessageKind kind;
  u64 value = 0;
  Str text = {};
  int fd = -1;  // sent along
  Result failure = {};
};

// Sends with the context's step and part. 0 or -errno.
long send_message(const Context& ctx, int socket, const Outgoing& message);

struct Incoming {
  MessageKind kind = MessageKind::abort;
  Fd fd;
};

// Takes the next datagram; waits at most `timeout_ms` (below 0: for ever). 0, or -errno: -EPIPE when the
// other side is gone, -EPROTO for what is no message, -ETIMEDOUT.
long receive_message(int socket, Incoming& message, i64 timeout_ms);

// Who waits for this program: `start`, or else the parent, or -1.
int listener_of(const Context& ctx);

// Waits for the parent's `go`. Does not return if the parent says `abort` or is gone: nobody would ever end
// this process.
Result wait_for_go(Context& ctx);

// Ends the program if the parent is gone while it is still needed.
void exit_if_orphaned(const Context& ctx);

// A text for people that is no failure.
void warn(const Context& ctx, Str text);

}  // namespace oci
