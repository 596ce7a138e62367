#include "interp.h"

#include "calls.h"
#include "steps.h"

namespace oci {
namespace {

// Steps that only name kernel objects, and so may run on a thread of the addon.
bool runs_hosted(Op op) {
  switch (op) {
    case Op::hook:
    case Op::close:
    case Op::nop:
    case Op::fail:
    case Op::open:
    case Op::mkdir:
    case Op::write:
    case Op::writeFd:
    case Op::read:
    case Op::copy:
    case Op::unlink:
    case Op::rmdir:
    case Op::rename:
    case Op::symlink:
    case Op::chown:
    case Op::listen:
    case Op::lock:
    case Op::removeTree:
    case Op::removeCgroup:
    case Op::killCgroup:
    case Op::freezeCgroup:
    case Op::checkCgroupEmpty:
    case Op::deviceBpf:
    case Op::openTree:
#define OCI_CASE(name) case Op::name:
      OCI_HOST_STEPS(OCI_CASE)
#undef OCI_CASE
      return true;
    default:
      return false;
  }
}

void mark(Context& ctx, const TraceSink& trace) {
  Report* report = ctx.report;
  if (report == nullptr && trace.mark == nullptr) return;
  u64 now = monotonic_ns();
  if (trace.mark != nullptr) trace.mark(trace.self, now);
  if (report != nullptr && report->times_count < report->times_capacity) {
    reinterpret_cast<u64*>(report + 1)[report->times_count++] = now;
  }
}

void report_step(Context& ctx) {
  if (ctx.report == nullptr) return;
  ctx.report->part = ctx.part;
  ctx.report->step = ctx.step;
}

}  // namespace

u64 monotonic_ns() {
  TimeSpec now = {};
  (void)sys::clock_gettime(kClockMonotonic, &now);
  return static_cast<u64>(now.sec) * 1000000000 + static_cast<u64>(now.nsec);
}

Result run_step(Context& ctx, const Record& record) {
  if (ctx.hosted && !runs_hosted(record.op())) {
    return ctx.refuse(EPERM, "this step changes its process: only the init program carries it out");
  }
  switch (record.op()) {
#define OCI_CASE(name) \
  case Op::name:       \
    return steps::name(ctx, record);
    OCI_INIT_STEPS(OCI_CASE)
#ifdef OCI_HOSTED
    OCI_HOST_STEPS(OCI_CASE)
#endif
#undef OCI_CASE
    default:
      return ctx.refuse(EPERM, "this step is for host batches");
  }
}

Result run_plan(Context& ctx, const Plan& plan) {
  return run_plan(ctx, plan, TraceSink{});
}

Result run_plan(Context& ctx, const Plan& first, const TraceSink& trace) {
  Plan plan = first;
  bool traced = plan.traced();
  ctx.plan = plan;
  ctx.step = 0;
  if (traced) mark(ctx, trace);
  // Whether the step before failed with an errno that it ignores.
  bool failed = false;
  for (u32 offset = Plan::first(); offset < plan.size;) {
    Record record = plan.at(offset);
    if (!record.or_else() || failed) {
      report_step(ctx);
      ctx.text.clear();
      ctx.offset = offset;
      Result result = run_step(ctx, record);
      failed = result.failed();
      if (failed && !record.ignores(result.error)) return result;
    }
    if (traced) mark(ctx, trace);
    if (ctx.tail.base != nullptr) {
      plan = ctx.tail;
      ctx.tail = Plan{};
      ctx.plan = plan;
      ctx.part = 1;
      ctx.step = 0;
      failed = false;
      traced = plan.traced();
      offset = Plan::first();
      continue;
    }
    ctx.step++;
    offset = plan.next(offset);
  }
  return done();
}

}  // namespace oci
