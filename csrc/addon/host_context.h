// The context of a batch on a worker thread: what only host steps need.
#pragma once

#include "../init/context.h"

namespace oci {

struct HostContext : Context {
  // Top of a stack for the child of `spawn`, or null.
  void* (*child_stack)(void* self) = nullptr;
  void* child_stack_self = nullptr;
  // Of the process that the last `spawn` made, or 0.
  i32 pid = 0;
  // A second pidfd of it, for the case that the result finds nobody to take it.
  Fd pidfd;

  HostContext() { hosted = true; }
  static HostContext& of(Context& ctx) { return static_cast<HostContext&>(ctx); }
};

}  // namespace oci
