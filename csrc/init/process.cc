// Steps on the process's surroundings: namespaces, working directory, limits, scheduling.
#include "calls.h"
#include "exec.h"
#include "path.h"
#include "procfs.h"
#include "steps.h"
#include "talk.h"

namespace oci {
namespace {

// struct sched_attr of linux/sched/types.h, as of Linux 5.3.
struct SchedAttr {
  u32 size;
  u32 policy;
  u64 flags;
  i32 nice;
  u32 priority;
  u64 runtime;
  u64 deadline;
  u64 period;
  u32 util_min;
  u32 util_max;
};

// The working directory, by the kernel's own word: a library would hide that it lies outside of the root.
Result check_inside_root(Context& ctx, Str path) {
  PathBuffer cwd;
  long n = sys::getcwd(cwd.data(), PathBuffer::capacity());
  if (n < 0) return ctx.failed_on(Sys::getcwd_, n, path);
  if (cwd.data()[0] != '/')
    return ctx.refuse(ENOENT, "the working directory lies outside of the container's root: ", path);
  return done();
}

Result make_working_directory(Context& ctx, Str path) {
  Fd root(sys::openat(AT_FDCWD, path.starts_with("/") ? "/" : ".", O_PATH | O_DIRECTORY));
  if (!root.valid()) return ctx.failed_on(Sys::openat_, root.get(), path);
  Fd made;
  return make_dirs_in_root(ctx, root.get(), path, 0755, made);
}

bool is_denied(long rc) {
  return rc == -EACCES || rc == -EPERM;
}

Result get_limit(u32 resource, u64 limit[2]) {
  return check(Sys::prlimit64_, sys::prlimit64(0, resource, nullptr, limit));
}

}  // namespace

namespace steps {

Result unshare(Context&, const Record& r) {
  return check(Sys::unshare_, sys::unshare(r.num(f::unshare::flags)));
}

Result setns(Context& ctx, const Record& r) {
  int fd;
  OCI_TRY(slot_fd(ctx, r, f::setns::slot, fd));
  return check(Sys::setns_, sys::setns(fd, r.num(f::setns::type)));
}

Result setsid(Context&, const Record&) {
  return check(Sys::setsid_, sys::setsid());
}

Result umask(Context&, const Record& r) {
  return check(Sys::umask_, sys::umask(r.num32(f::umask::mask) & 0777));
}

Result chdir(Context& ctx, const Record& r) {
  Str path = r.str(f::chdir::path);
  bool wanted = !r.flag(f::chdir::retry) || ctx.chdir_pending;
  if (wanted) {
    ctx.chdir_pending = false;
    long rc = sys::chdir(path.c());
    if (rc == -ENOENT && r.flag(f::chdir::create)) {
      Result made = make_working_directory(ctx, path);
      if (made.failed() && !(is_denied(-made.error) && r.flag(f::chdir::noFail))) return made;
      rc = made.failed() ? -made.error : sys::chdir(path.c());
    }
    if (is_denied(rc) && r.flag(f::chdir::noFail)) {
      ctx.text.clear();
      ctx.chdir_pending = true;
      return done();
    }
    if (rc < 0) return ctx.failed_on(Sys::chdir_, rc, path);
  }
  return r.flag(f::chdir::check) ? check_inside_root(ctx, path) : done();
}

Result fchdir(Context& ctx, const Record& r) {
  int fd;
  OCI_TRY(slot_fd(ctx, r, f::fchdir::slot, fd));
  OCI_TRY(check(Sys::fchdir_, sys::fchdir(fd)));
  return r.flag(f::fchdir::chroot) ? check(Sys::chroot_, sys::chroot(".")) : done();
}

Result rlimit(Context&, const Record& r) {
  u32 resource = r.num32(f::rlimit::resource);
  u64 limit[2] = {r.num(f::rlimit::soft), r.num(f::rlimit::hard)};
  if (r.flag(f::rlimit::raise) || r.flag(f::rlimit::lower)) {
    u64 now[2];
    OCI_TRY(get_limit(resource, now));
    if (r.flag(f::rlimit::raise)) {
      if (now[1] >= limit[1]) return done();
      limit[0] = now[0];
    } else {
      if (now[0] <= limit[0]) return done();
      limit[1] = now[1];
    }
  }
  return check(Sys::prlimit64_, sys::prlimit64(0, resource, limit, nullptr));
}

Result oomScoreAdj(Context& ctx, const Record& r) {
  FixedString<24> text;
  text.snum(r.snum(f::oomScoreAdj::value));
  if (r.has_slot(f::oomScoreAdj::proc)) {
    int proc;
    OCI_TRY(slot_fd(ctx, r, f::oomScoreAdj::proc, proc));
    return write_proc(ctx, proc, "self/oom_score_adj", text);
  }
  return write_own_proc(ctx, "/proc/self/oom_score_adj", text);
}

Result scheduler(Context&, const Record& r) {
  SchedAttr attr = {};
  attr.size = 48;  // without the utilization clamps
  attr.policy = r.num32(f::scheduler::policy);
  attr.flags = r.num(f::scheduler::flags);
  attr.nice = static_cast<i32>(r.snum(f::scheduler::nice));
  attr.priority = r.num32(f::scheduler::priority);
  attr.runtime = r.num(f::scheduler::runtime);
  attr.deadline = r.num(f::scheduler::deadline);
  attr.period = r.num(f::scheduler::period);
  return check(Sys::sched_setattr_, sys::call(__NR_sched_setattr, 0, &attr, 0));
}

Result ioPriority(Context&, const Record& r) {
  constexpr int kProcessGroup = 2;
  return check(Sys::ioprio_set_, sys::call(__NR_ioprio_set, kProcessGroup, 0, r.num(f::ioPriority::value)));
}

Result personality(Context&, const Record& r) {
  return check(Sys::personality_, sys::call(__NR_personality, r.num(f::personality::persona)));
}

Result affinity(Context&, const Record& r) {
  Bytes mask = r.bytes(f::affinity::mask);
  u8 all[1024];
  if (mask.size == 0) {
    // The kernel leaves out the CPUs that there are not and that the cpuset forbids.
    __builtin_memset(all, 0xff, sizeof(all));
    mask = Bytes{all, sizeof(all)};
  }
  return check(Sys::sched_setaffinity_, sys::call(__NR_sched_setaffinity, 0, mask.size, mask.data));
}

Result memoryPolicy(Context& ctx, const Record& r) {
  Bytes nodes = r.bytes(f::memoryPolicy::nodes);
  u64 words[128] = {};
  if (nodes.size > sizeof(words)) return ctx.refuse(EINVAL, "too many memory nodes");
  __builtin_memcpy(words, nodes.data, nodes.size);
  // The kernel reads one bit less than it is told.
  u64 bits = nodes.size == 0 ? 0 : nodes.size * 8 + 1;
  long rc = sys::call(__NR_set_mempolicy, r.num(f::memoryPolicy::mode), bits == 0 ? nullptr : words, bits);
  return check(Sys::set_mempolicy_, rc);
}

Result comm(Context&, const Record& r) {
  return check(Sys::prctl_, sys::prctl(PR_SET_NAME, reinterpret_cast<u64>(r.str(f::comm::name).c())));
}

Result parentDeathSignal(Context& ctx, const Record& r) {
  u64 signal = r.num(f::parentDeathSignal::signal);
  OCI_TRY(check(Sys::prctl_, sys::prctl(PR_SET_PDEATHSIG, signal)));
  // It may have died before.
  if (signal != 0) exit_if_orphaned(ctx);
  return done();
}

}  // namespace steps
}  // namespace oci
