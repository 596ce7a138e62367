// The init program: takes its plan, carries it out, executes. See csrc/plan.h for what it finds at its start.
#include "calls.h"
#include "interp.h"
#include "talk.h"

namespace oci {
namespace {

constexpr u32 kCloexec = 4;  // CLOSE_RANGE_CLOEXEC

void close_all_on_exec(u32 count) {
  if (sys::close_range(3, ~0u, kCloexec) == 0) return;
  for (u32 fd = 3; fd < static_cast<u32>(kFirstPassFd) + count; fd++) {
    (void)sys::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
  }
}

// Maps the plan's file. Null, with a reason.
Report* map_file(u64& size, const char*& wrong) {
  constexpr int kSeekEnd = 2;
  constexpr int kReadWrite = 1 | 2;
  constexpr int kShared = 1;
  long end = sys::lseek(kPlanFd, 0, kSeekEnd);
  if (end < static_cast<long>(sizeof(Report))) {
    wrong = "the plan's file is missing or too short";
    return nullptr;
  }
  size = static_cast<u64>(end);
  long at = sys::mmap(size, kReadWrite, kShared, kPlanFd);
  if (at < 0 && at > -4096) {
    wrong = "the plan's file cannot be mapped";
    return nullptr;
  }
  return reinterpret_cast<Report*>(at);
}

// Checks the parent's half of the report, takes the fds that it names into slots, and decodes the plan. Null,
// or the reason.
const char* take_over(Context& ctx, Report& report, u64 size, Plan& plan) {
  if (report.magic != kReportMagic) return "the plan's file has no report";
  if (report.pass_count > kMaxSlots || report.plan_offset % 8 != 0) return "the report is malformed";
  u64 slots_at = sizeof(Report) + u64{report.times_capacity} * 8;
  if (slots_at + u64{report.pass_count} * 4 > report.plan_offset) return "the report is malformed";
  if (u64{report.plan_offset} + report.plan_size > size) return "the plan's file is too short";
  const u8* base = reinterpret_cast<const u8*>(&report);
  const u32* slots = reinterpret_cast<const u32*>(base + slots_at);
  close_all_on_exec(report.pass_count);
  for (u32 i = 0; i < report.pass_count; i++) {
    if (!ctx.slots.put(slots[i], kFirstPassFd + static_cast<int>(i))) return "there is no such slot";
  }
  DecodeResult decoded = decode_plan(base + report.plan_offset, report.plan_size, plan);
  return decoded.error == DecodeError::none ? nullptr : decode_error_text(decoded.error);
}

void tell_failure(Context& ctx, Result result) {
  if (ctx.report != nullptr) {
    ctx.report->step = ctx.step;
    ctx.report->part = ctx.part;
    ctx.report->error = result.error;
    ctx.report->syscall = static_cast<u32>(result.sys);
    ctx.report->state = static_cast<u32>(ReportState::failed);
  }
  Outgoing message{MessageKind::error};
  message.failure = result;
  message.text = ctx.text;
  (void)send_message(ctx, listener_of(ctx), message);
}

int run() {
  Context ctx;
  ctx.parent = kParentFd;
  (void)sys::prctl(PR_SET_NAME, reinterpret_cast<u64>("oci-ts:init"));
  u64 size = 0;
  const char* wrong = nullptr;
  Plan plan;
  ctx.report = map_file(size, wrong);
  if (ctx.report != nullptr) wrong = take_over(ctx, *ctx.report, size, plan);
  if (wrong != nullptr) {
    tell_failure(ctx, ctx.refuse(EINVAL, wrong));
    return 1;
  }
  close_fd(kPlanFd);
  ctx.report->state = static_cast<u32>(ReportState::running);
  Result result = run_plan(ctx, plan);
  if (result.failed()) {
    tell_failure(ctx, result);
    return 1;
  }
  ctx.report->state = static_cast<u32>(ReportState::done);
  return 0;
}

}  // namespace
}  // namespace oci

// Called by start.S.
extern "C" [[noreturn, gnu::used]] void oci_init_main();
extern "C" void oci_init_main() {
  oci::sys::exit_group(oci::run());
}
