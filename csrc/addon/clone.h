// clone(2) for a child that shares this address space and starts on a stack of its own (clone.S). A C
// compiler's inline assembly can't do it: the child would return into the frame of its suspended parent.
#pragma once

#include "../types.h"

namespace oci {

struct CloneArgs;

extern "C" {
// The child calls `entry(argument)`, which must not return. Returns the pid, or -errno. `pidfd`: see
// CLONE_PIDFD.
long oci_clone(u64 flags, void* stack_top, int* pidfd, void (*entry)(void*), void* argument);
// The same by clone3(2); `args` names the stack.
long oci_clone3(const CloneArgs* args, usize size, void (*entry)(void*), void* argument);
}

// struct clone_args of linux/sched.h with all fields up to Linux 5.7.
struct CloneArgs {
  u64 flags;
  u64 pidfd;
  u64 child_tid;
  u64 parent_tid;
  u64 exit_signal;
  u64 stack;
  u64 stack_size;
  u64 tls;
  u64 set_tid;
  u64 set_tid_size;
  u64 cgroup;
};
static_assert(sizeof(CloneArgs) == 88);

}  // namespace oci
