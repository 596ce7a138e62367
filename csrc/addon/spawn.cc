// `spawn`: launches the init program by a clone that shares this address space until the exec.
#include "../init/calls.h"
#include "../init/steps.h"
#include "clone.h"
#include "host_context.h"
#include "image.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

namespace oci {
namespace {

constexpr u32 kFixedFds = 5;  // stdio, plan, socket to the parent
constexpr u32 kMaxFds = kFixedFds + kMaxSlots + 1;

// The child reads and writes this in place: its parent's thread is suspended.
struct Launch {
  int fds[kMaxFds];  // the fd that becomes number i; the last is the init program
  u32 count = 0;
  const char* const* args = nullptr;
  long error = 0;
  Sys sys = Sys::none;
};

#define OCI_CHILD __attribute__((noinline, no_sanitize("address", "undefined")))

OCI_CHILD long reset_signals() {
  SigAction standard = {};
  for (int signal = 1; signal <= kSignals; signal++) {
    if (signal == kSigKill || signal == kSigStop) continue;
    long rc = sys::sigaction(signal, &standard, nullptr);
    if (rc < 0) return rc;
  }
  return 0;
}

// Makes fds[i] number i, for all i. What lies on a number that is still needed is moved away first.
OCI_CHILD long arrange_fds(Launch& l) {
  for (u32 i = 0; i < l.count; i++) {
    int to = static_cast<int>(i);
    bool last = i + 1 == l.count;
    if (l.fds[i] == to) {
      long rc = sys::fcntl(to, F_SETFD, last ? FD_CLOEXEC : 0);
      if (rc < 0) return rc;
      continue;
    }
    long copy = -1;
    for (u32 j = i + 1; j < l.count; j++) {
      if (l.fds[j] != to) continue;
      if (copy < 0) copy = sys::fcntl(to, F_DUPFD_CLOEXEC, static_cast<long>(l.count));
      if (copy < 0) return copy;
      l.fds[j] = static_cast<int>(copy);
    }
    long rc = sys::dup3(l.fds[i], to, last ? O_CLOEXEC : 0);
    if (rc < 0) return rc;
  }
  return 0;
}

// For kernels without close_range(2), and sandboxes that forbid it.
OCI_CHILD long close_listed(u32 first) {
  Fd dir(sys::openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY));
  if (!dir.valid()) {
    u64 limit[2] = {};
    constexpr u32 kNofile = 7;
    long rc = sys::prlimit64(0, kNofile, nullptr, limit);
    if (rc < 0) return rc;
    for (u64 fd = first; fd < limit[0]; fd++) (void)sys::close(static_cast<int>(fd));
    return 0;
  }
  // A listing may skip entries when others go meanwhile: again, until nothing is found.
  for (bool again = true; again;) {
    again = false;
    (void)sys::lseek(dir.get(), 0, 0);
    alignas(8) u8 buffer[4096];
    for (;;) {
      long n = sys::getdents64(dir.get(), buffer, sizeof(buffer));
      if (n < 0) return n;
      if (n == 0) break;
      for (long at = 0; at < n;) {
        const Dirent* entry = reinterpret_cast<const Dirent*>(buffer + at);
        at += entry->size;
        u64 fd;
        if (!parse_u64(Str(entry->name()), fd) || fd < first || fd == static_cast<u64>(dir.get())) continue;
        again = sys::close(static_cast<int>(fd)) == 0 || again;
      }
    }
  }
  return 0;
}

[[noreturn]] OCI_CHILD void child_failed(Launch& l, Sys sys, long rc) {
  l.error = rc;
  l.sys = sys;
  sys::exit_group(127);
}

// In the child, on its own small stack: raw system calls only, no thread-local variable.
OCI_CHILD void child_main(void* argument) {
  Launch& l = *static_cast<Launch*>(argument);
  long rc = reset_signals();
  if (rc < 0) child_failed(l, Sys::rt_sigaction_, rc);
  rc = arrange_fds(l);
  if (rc < 0) child_failed(l, Sys::dup3_, rc);
  rc = sys::close_range(l.count, ~0u, 0);
  if (rc < 0) rc = close_listed(l.count);
  if (rc < 0) child_failed(l, Sys::close_range_, rc);
  // No handler is left that could run in the parent's memory.
  const u64 none = 0;
  rc = sys::sigprocmask(kSigSetmask, &none, nullptr);
  if (rc < 0) child_failed(l, Sys::rt_sigprocmask_, rc);
  static constexpr const char* const kNoEnvironment[] = {nullptr};
  // ETXTBSY: the image is a file of its own (see image.cc), and another child that was made while it was
  // written has not come to its exec yet.
  for (int tries = 0; tries < 100; tries++) {
    int image = static_cast<int>(l.count) - 1;
    rc = sys::execveat(image, "", l.args, kNoEnvironment, AT_EMPTY_PATH);
    if (rc != -ETXTBSY) break;
    TimeSpec pause = {0, 1000000};
    (void)sys::nanosleep(&pause);
  }
  child_failed(l, Sys::execveat_, rc);
}

struct PlanFile {
  Fd fd;
  u32 region = 0;
};

Result write_at(int fd, const void* data, usize size, u64 offset) {
  const u8* bytes = static_cast<const u8*>(data);
  while (size > 0) {
    long n = sys::call(__NR_pwrite64, fd, bytes, size, offset);
    if (n <= 0) return fail(Sys::write_, n == 0 ? -EIO : n);
    bytes += n;
    size -= static_cast<usize>(n);
    offset += static_cast<u64>(n);
  }
  return done();
}

// Report, slot numbers and plan, in a file whose size nobody can change. It can't be sealed against writing,
// since init writes the report; init and its parent are the only ones that ever have it.
Result make_plan_file(Context& ctx, Bytes plan, const NumList& pass, Fd& out) {
  PlanHeader header;
  if (plan.size < sizeof(header)) return ctx.refuse(EINVAL, "the plan to spawn is too short");
  __builtin_memcpy(&header, plan.data, sizeof(header));
  if (header.magic != kPlanMagic || header.size != plan.size) {
    return ctx.refuse(EINVAL, "the plan to spawn is malformed");
  }
  Report report = {};
  report.magic = kReportMagic;
  report.pass_count = pass.size() / 2;
  // Room for a tail, which may replace the rest.
  if ((header.flags & kPlanTrace) != 0) report.times_capacity = header.count + 256;
  report.plan_offset = static_cast<u32>(report_region_size(report.times_capacity, report.pass_count));
  report.plan_size = static_cast<u32>(plan.size);

  constexpr u32 flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  long rc = sys::memfd_create("oci-ts-plan", flags | MFD_NOEXEC_SEAL);
  if (rc == -EINVAL) rc = sys::memfd_create("oci-ts-plan", flags);  // before Linux 6.3
  if (rc < 0) return fail(Sys::memfd_create_, rc);
  Fd fd(rc);
  u64 slots_at = sizeof(Report) + u64{report.times_capacity} * 8;
  for (u32 i = 0; i < report.pass_count; i++) {
    u32 slot = static_cast<u32>(pass[i * 2 + 1]);
    OCI_TRY(write_at(fd.get(), &slot, sizeof(slot), slots_at + u64{i} * sizeof(slot)));
  }
  OCI_TRY(write_at(fd.get(), &report, sizeof(report), 0));
  OCI_TRY(write_at(fd.get(), plan.data, plan.size, report.plan_offset));
  constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
  OCI_TRY(check(Sys::fcntl_, sys::fcntl(fd.get(), F_ADD_SEALS, seals)));
  out.reset(fd.release());
  return done();
}

// A standard stream: the slot's fd, or /dev/null, opened once.
Result stream(Context& ctx, const Record& r, u32 slot_field, Fd& null_device, int& fd) {
  if (r.has_slot(slot_field)) return slot_fd(ctx, r, slot_field, fd);
  if (!null_device.valid()) {
    long rc = sys::openat(AT_FDCWD, "/dev/null", O_RDWR);
    if (rc < 0) return ctx.failed_on(Sys::openat_, rc, "/dev/null");
    null_device.reset(rc);
  }
  fd = null_device.get();
  return done();
}

Result collect_fds(Context& ctx, const Record& r, const NumList& pass, Fd& null_device, Launch& l) {
  OCI_TRY(stream(ctx, r, f::spawn::stdin_, null_device, l.fds[0]));
  OCI_TRY(stream(ctx, r, f::spawn::stdout_, null_device, l.fds[1]));
  OCI_TRY(stream(ctx, r, f::spawn::stderr_, null_device, l.fds[2]));
  l.count = kFixedFds;
  for (u32 i = 0; i + 1 < pass.size(); i += 2) {
    u32 slot = pass[i] < kMaxSlots ? static_cast<u32>(pass[i]) : kNoSlot;
    int fd = ctx.slots.get(slot);
    if (fd < 0) {
      ctx.text.set("nothing to pass in slot ").num(pass[i]);
      return Result{EBADF, Sys::none};
    }
    l.fds[l.count++] = fd;
  }
  return done();
}

// Tells init that it need not join its v2 cgroup, or that it must.
Result set_report_flags(int plan_file, u32 flags) {
  return write_at(plan_file, &flags, sizeof(flags), __builtin_offsetof(Report, flags));
}

// The signal mask matters: a handler must not run in a child that shares this memory. Pool threads have
// everything blocked for good, but this code does not depend on it.
long clone_child(u64 flags, int cgroup, void* stack_top, int* pidfd, Launch& l, int plan_file) {
  flags |= CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
  const u64 all = ~u64{0};
  u64 before = 0;
  long rc = sys::sigprocmask(kSigSetmask, &all, &before);
  if (rc < 0) return rc;
  rc = -ENOSYS;
  if (cgroup >= 0 && set_report_flags(plan_file, kReportInCgroup).ok()) {
    CloneArgs args = {};
    args.flags = flags | CLONE_INTO_CGROUP;
    args.pidfd = reinterpret_cast<u64>(pidfd);
    args.exit_signal = static_cast<u64>(kSigChld);
    constexpr u64 kStackUse = 48 * 1024;
    args.stack = reinterpret_cast<u64>(stack_top) - kStackUse;
    args.stack_size = kStackUse;
    args.cgroup = static_cast<u64>(cgroup);
    rc = oci_clone3(&args, sizeof(args), child_main, &l);
  }
  // Whatever the reason, init can still join by cgroup.procs, and then that step explains a lasting one.
  if (rc < 0 && set_report_flags(plan_file, 0).ok())
    rc = oci_clone(flags | static_cast<u64>(kSigChld), stack_top, pidfd, child_main, &l);
  (void)sys::sigprocmask(kSigSetmask, &before, nullptr);
  return rc;
}

}  // namespace

Result steps::spawn(Context& ctx, const Record& r) {
  HostContext& host = HostContext::of(ctx);
  NumList pass = r.nums(f::spawn::pass);
  if (pass.size() % 2 != 0 || pass.size() / 2 > kMaxSlots)
    return ctx.refuse(EINVAL, "pass: not pairs of slots");

  Launch l;
  Fd null_device, plan_file, own_image;
  OCI_TRY(collect_fds(ctx, r, pass, null_device, l));
  OCI_TRY(make_plan_file(ctx, r.bytes(f::spawn::plan), pass, plan_file));
  int ends[2];
  OCI_TRY(check(Sys::socketpair_, sys::socketpair(kAfUnix, kSockSeqpacket | kSockCloexec, 0, ends)));
  Fd ours(ends[0]), theirs(ends[1]);
  int cgroup = -1;
  if (r.has_slot(f::spawn::cgroup)) OCI_TRY(slot_fd(ctx, r, f::spawn::cgroup, cgroup));

  l.fds[kPlanFd] = plan_file.get();
  l.fds[kParentFd] = theirs.get();
  OCI_TRY(open_image(ctx, l.fds[l.count], own_image));
  l.count++;
  static constexpr const char* const kArgs[] = {"oci-ts-init", nullptr};
  l.args = kArgs;

  void* stack_top = host.child_stack == nullptr ? nullptr : host.child_stack(host.child_stack_self);
  if (stack_top == nullptr) return fail(Sys::mmap_, -ENOMEM);
  int pidfd_number = -1;
  long pid = clone_child(r.num(f::spawn::flags), cgroup, stack_top, &pidfd_number, l, plan_file.get());
  if (pid < 0) return fail(Sys::clone_, pid);
  Fd pidfd(pidfd_number);
  if (l.error != 0) {
    (void)sys::waitid(kPPidfd, pidfd.get(), nullptr, kWExited | kWAll);
    return ctx.failed_on(l.sys, l.error, "starting the init program");
  }
  host.pid = static_cast<i32>(pid);
  host.pidfd.reset(sys::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 0));
  OCI_TRY(slot_put(ctx, r, f::spawn::pidfd, static_cast<Fd&&>(pidfd)));
  OCI_TRY(slot_put(ctx, r, f::spawn::socket, static_cast<Fd&&>(ours)));
  return slot_put(ctx, r, f::spawn::report, static_cast<Fd&&>(plan_file));
}

}  // namespace oci
