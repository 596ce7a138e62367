// Cgroup steps: signals to all processes, freezing and thawing.
#include "cgroup_util.h"
#include "path.h"
#include "steps.h"
#include "wait.h"

namespace oci {
namespace {

constexpr u64 kDefaultFreezeMs = 10000;
constexpr int kMostPasses = 64;
constexpr u64 kFreezeForKillMs = 500;

// A set of pids: one bit for each that there can be, in memory that is touched only where it is used.
class PidSet {
 public:
  PidSet() {
    constexpr int kReadWrite = 1 | 2;
    constexpr int kPrivateAnonymous = 2 | 0x20;
    long at = sys::mmap(kBytes, kReadWrite, kPrivateAnonymous, -1);
    if (at > 0 || at < -4095) words_ = reinterpret_cast<u64*>(at);
  }
  PidSet(const PidSet&) = delete;
  PidSet& operator=(const PidSet&) = delete;
  ~PidSet() {
    if (words_ != nullptr) (void)sys::munmap(words_, kBytes);
  }
  bool valid() const { return words_ != nullptr; }
  // True: it was not in the set before.
  bool add(i32 pid) {
    u32 index = static_cast<u32>(pid) % kPids;
    u64 bit = u64{1} << (index % 64);
    bool fresh = (words_[index / 64] & bit) == 0;
    words_[index / 64] |= bit;
    return fresh;
  }

 private:
  static constexpr u32 kPids = 1 << 22;  // PID_MAX_LIMIT
  static constexpr usize kBytes = kPids / 8;
  u64* words_ = nullptr;
};

struct Signalling {
  int signal;
  PidSet done;
  bool found = false;  // one that had not got it yet
};

long signal_one(i32 pid, void* argument) {
  Signalling& s = *static_cast<Signalling*>(argument);
  if (!s.done.add(pid)) return 0;
  s.found = true;
  long rc = sys::kill(pid, s.signal);
  return rc == -ESRCH ? 0 : rc;
}

// Signals every process once; what was forked meanwhile too.
long signal_all(int cgroup, int signal) {
  Signalling s{signal, {}, false};
  if (!s.done.valid()) return -ENOMEM;
  for (int pass = 0; pass < kMostPasses; pass++) {
    s.found = false;
    long rc = walk_cgroups(
        cgroup, [](int fd, void* argument) { return each_process(fd, signal_one, argument); }, &s);
    if (rc < 0 || !s.found) return rc;
  }
  return 0;
}

long write_state(int dir, Str file, bool v1, bool frozen) {
  Str text = v1 ? (frozen ? Str("FROZEN") : Str("THAWED")) : (frozen ? Str("1") : Str("0"));
  return write_control(dir, file.c(), text);
}

// Whether the kernel says that it has done it: 1 yes, 0 not yet, or -errno.
long state_reached(int cgroup, bool v1, bool frozen) {
  FixedString<128> text;
  long n = read_control(cgroup, v1 ? "freezer.state" : "cgroup.events", text);
  if (n < 0) return n;
  if (v1) return text.str().starts_with(frozen ? Str("FROZEN") : Str("THAWED"));
  Str wanted = frozen ? Str("frozen 1") : Str("frozen 0");
  for (usize at = 0; at < text.size(); at = text.str().find('\n', at) + 1) {
    if (text.str().from(at).starts_with(wanted)) return 1;
  }
  return 0;
}

// Freezes by a v1 state file, for the time of a signalling. Whether it was frozen before goes to `before`.
void freeze_briefly(Str file, bool& before) {
  FixedString<32> state;
  before = read_control(AT_FDCWD, file.c(), state) > 0 && state.str().starts_with("FROZEN");
  if (before) return;
  Deadline deadline(kFreezeForKillMs);
  Backoff backoff(deadline);
  do {
    if (write_state(AT_FDCWD, file, true, true) < 0) return;
    if (read_control(AT_FDCWD, file.c(), state) > 0 && state.str().starts_with("FROZEN")) return;
  } while (backoff.pause());
}

}  // namespace

namespace steps {

Result killCgroup(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::killCgroup::dir, dir));
  Str path = r.str(f::killCgroup::path);
  Str freezer = r.str(f::killCgroup::freezer);
  int signal = static_cast<int>(r.num32(f::killCgroup::signal));
  Fd cgroup(open_cgroup(dir, path.c()));
  if (!cgroup.valid()) return ctx.failed_on(Sys::openat_, cgroup.get(), path);
  if (signal == kSigKill && write_control(cgroup.get(), "cgroup.kill", "1") == 0) return done();
  bool was_frozen = false;
  if (!freezer.empty()) freeze_briefly(freezer, was_frozen);
  long rc = signal_all(cgroup.get(), signal);
  // A paused container stays so, but a killed one must be able to die.
  if (!freezer.empty() && (!was_frozen || signal == kSigKill)) {
    (void)write_state(AT_FDCWD, freezer, true, false);
  }
  return rc < 0 ? ctx.failed_on(Sys::kill_, rc, path) : done();
}

Result freezeCgroup(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::freezeCgroup::dir, dir));
  Str path = r.str(f::freezeCgroup::path);
  bool frozen = r.flag(f::freezeCgroup::frozen);
  bool v1 = r.flag(f::freezeCgroup::v1);
  u64 timeout = r.num(f::freezeCgroup::timeoutMs);
  Fd cgroup(open_cgroup(dir, path.c()));
  if (!cgroup.valid()) return ctx.failed_on(Sys::openat_, cgroup.get(), path);
  Str file = v1 ? Str("freezer.state") : Str("cgroup.freeze");
  Deadline deadline(timeout == 0 ? kDefaultFreezeMs : timeout);
  Backoff backoff(deadline);
  long rc;
  for (bool first = true;; first = false) {
    // v1 may get stuck in FREEZING: each write makes it try again.
    if (first || v1) rc = write_state(cgroup.get(), file, v1, frozen);
    if (first && rc < 0) return ctx.failed_on(Sys::write_, rc, path);
    rc = state_reached(cgroup.get(), v1, frozen);
    if (rc > 0) return done();
    if (rc < 0) break;
    rc = -ETIMEDOUT;
    if (!backoff.pause()) break;
  }
  if (frozen) (void)write_state(cgroup.get(), file, v1, false);
  if (rc == -ETIMEDOUT)
    return ctx.refuse(ETIMEDOUT, frozen ? "it does not freeze: " : "it does not thaw: ", path);
  return ctx.failed_on(Sys::read_, rc, path);
}

}  // namespace steps
}  // namespace oci
