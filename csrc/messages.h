// Messages between init and its parent, and `start`: one SOCK_SEQPACKET datagram each (lib/plan/messages.ts).
#pragma once

#include "types.h"

namespace oci {

enum class MessageKind : u32 {
  sync = 1,
  fd = 2,
  stage = 3,
  created = 4,
  error = 5,
  exec = 6,
  warning = 7,
  go = 16,
  abort = 17,
  tail = 18,
};

struct MessageHeader {
  u32 kind;
  u32 step;
  i32 error;    // positive errno
  u32 syscall;  // index in kSyscallNames
  u64 value;
  u32 part;
  u32 length;  // of the text or data that follows
};
static_assert(sizeof(MessageHeader) == 32);

// Longest text that init sends.
inline constexpr u32 kMaxMessageText = 8192;
// What an `fd` message carries.
inline constexpr u64 kFdConsole = 1;
inline constexpr u64 kFdSeccomp = 2;
// The comm of a container that is created but not started.
inline constexpr const char* kInitComm = "oci-ts:created";

}  // namespace oci
