// Carries out plans.
//
// How the parts fit: decode_plan() checks a buffer once; run_plan() walks the records; run_step() calls the
// function in namespace `steps` that is named like the step. A step reads its fields by
// `r.str(f::<step>::<field>)`, its fds by slot_fd()/slot_dir(), calls the kernel by the wrappers in calls.h,
// and returns done(), fail(Sys::openat2_, rc) or ctx.refuse(EINVAL, "why"). A text that helps people goes
// into ctx.text. No heap, no exceptions, no globals that change: on the addon's worker threads several
// contexts run at once.
#pragma once

#include "context.h"
#include "decode.h"

namespace oci {

// Carries out one step. In a hosted context, one that would change the thread or the process is refused with
// EPERM.
Result run_step(Context& ctx, const Record& record);

// What a plan came to. With a failure, ctx.step, ctx.part and ctx.text tell where and why.
Result run_plan(Context& ctx, const Plan& plan);

// CLOCK_MONOTONIC in nanoseconds.
u64 monotonic_ns();

// Called after each step of a hosted plan with kPlanTrace, and once before the first: the addon collects
// times. In init the report's `times` are filled.
struct TraceSink {
  void (*mark)(void* self, u64 ns) = nullptr;
  void* self = nullptr;
};
Result run_plan(Context& ctx, const Plan& plan, const TraceSink& trace);

}  // namespace oci
