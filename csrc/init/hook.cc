// `hook`: runs a program to its end, with a time limit and its output kept for the error.
#include "../addon/clone.h"
#include "calls.h"
#include "exec.h"
#include "steps.h"
#include "wait.h"

namespace oci {
namespace {

constexpr u32 kOutputTail = 4096;
constexpr int kBrokenPipe = kSigPipe;

#define OCI_CHILD __attribute__((noinline, no_sanitize("address", "undefined")))

// The child reads and writes this in place: its parent is suspended until the exec.
struct Launch {
  const char* path;
  const char** args;
  const char** env;
  int input;
  int output;
  long error = 0;
  Sys sys = Sys::none;
};

[[noreturn]] OCI_CHILD void child_failed(Launch& l, Sys call, long rc) {
  l.error = rc;
  l.sys = call;
  sys::exit_group(127);
}

// Raw system calls only, on a small stack of its own. The fds that it gets lie above 2.
OCI_CHILD void child_main(void* argument) {
  Launch& l = *static_cast<Launch*>(argument);
  SigAction standard = {};
  for (int signal = 1; signal <= kSignals; signal++) {
    if (signal != kSigKill && signal != kSigStop) (void)sys::sigaction(signal, &standard, nullptr);
  }
  // A group of its own, so that what it starts can be killed with it.
  long rc = sys::setpgid(0, 0);
  if (rc < 0) child_failed(l, Sys::setpgid_, rc);
  const int sources[3] = {l.input, l.output, l.output};
  for (int fd = 0; fd < 3; fd++) {
    rc = sys::dup3(sources[fd], fd, 0);
    if (rc < 0) child_failed(l, Sys::dup3_, rc);
  }
  rc = sys::close_range(3, ~0u, 0);
  if (rc < 0) {
    for (int fd = 3; fd < 4096; fd++) (void)sys::close(fd);
  }
  const u64 none = 0;
  (void)sys::sigprocmask(kSigSetmask, &none, nullptr);
  rc = sys::execve(l.path, l.args, l.env);
  child_failed(l, Sys::execve_, rc);
}

// The last bytes of what a program wrote.
class OutputTail {
 public:
  void add(const char* data, usize size) {
    for (usize i = 0; i < size; i++) ring_[(total_ + i) % kOutputTail] = data[i];
    total_ += size;
  }
  template <usize N>
  void append_to(FixedString<N>& text) const {
    usize begin = total_ > kOutputTail ? total_ - kOutputTail : 0;
    usize end = total_;
    while (end > begin && is_space(ring_[(end - 1) % kOutputTail])) end--;
    if (begin == end) return;
    text.add(begin > 0 ? ": …" : ": ");
    for (usize i = begin; i < end; i++) text.add(ring_[i % kOutputTail]);
  }

 private:
  static bool is_space(char ch) { return ch == '\n' || ch == '\r' || ch == ' ' || ch == '\t'; }
  usize total_ = 0;
  char ring_[kOutputTail];
};

// What goes to the program's standard input: up to three pieces.
class Input {
 public:
  Input(const Record& r, i32 pid) {
    pieces_[0] = r.bytes(f::hook::stdinHead);
    if (!r.has(f::hook::stdinTail)) return;
    pid_.num(static_cast<u64>(pid));
    pieces_[1] = Bytes{reinterpret_cast<const u8*>(pid_.c()), pid_.size()};
    pieces_[2] = r.bytes(f::hook::stdinTail);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // Writes what the pipe takes. False: all is written, or nobody reads.
  bool write(int fd) {
    while (index_ < 3) {
      Bytes& piece = pieces_[index_];
      if (piece.size == 0) {
        index_++;
        continue;
      }
      long n = sys::write(fd, piece.data, piece.size);
      if (n == -EAGAIN || n == -EINTR) return true;
      if (n < 0) return false;
      piece = Bytes{piece.data + n, piece.size - static_cast<usize>(n)};
    }
    return false;
  }

 private:
  Bytes pieces_[3];
  u32 index_ = 0;
  FixedString<24> pid_;
};

// Blocks all signals for the clone, and SIGPIPE until its end.
class SignalShield {
 public:
  SignalShield() {
    const u64 all = ~u64{0};
    (void)sys::sigprocmask(kSigSetmask, &all, &old_);
  }
  SignalShield(const SignalShield&) = delete;
  SignalShield& operator=(const SignalShield&) = delete;
  ~SignalShield() {
    // One of our own writes may have raised it; it must not reach whoever handles it.
    TimeSpec now = {};
    if ((old_ & kPipeBit) == 0) (void)sys::call(__NR_rt_sigtimedwait, &kPipeBit, nullptr, &now, 8);
    (void)sys::sigprocmask(kSigSetmask, &old_, nullptr);
  }
  void only_pipe() const {
    const u64 mask = old_ | kPipeBit;
    (void)sys::sigprocmask(kSigSetmask, &mask, nullptr);
  }

 private:
  static constexpr u64 kPipeBit = u64{1} << (kBrokenPipe - 1);
  u64 old_ = 0;
};

struct Pipe {
  Fd read;
  Fd write;
};

Result make_pipe(Pipe& pipe) {
  int fds[2];
  OCI_TRY(check(Sys::pipe2_, sys::pipe2(fds, O_CLOEXEC)));
  // Above the standard streams, so that the child can put them there in any order.
  for (int& fd : fds) {
    if (fd > 2) continue;
    long moved = sys::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close_fd(fd);
    fd = static_cast<int>(moved);
  }
  pipe.read.reset(fds[0]);
  pipe.write.reset(fds[1]);
  return pipe.read.valid() && pipe.write.valid() ? done() : fail(Sys::fcntl_, -EMFILE);
}

// Frees the pointers' memory again: a hosted process lives on.
struct Pointers {
  explicit Pointers(usize n) : count(n), at(pointer_array(n)) {}
  Pointers(const Pointers&) = delete;
  Pointers& operator=(const Pointers&) = delete;
  ~Pointers() {
    if (at != nullptr) (void)sys::munmap(at, count * sizeof(char*));
  }
  usize count;
  const char** at;
};

class Hook {
 public:
  Hook(Context& ctx, const Record& r)
      : ctx_(ctx),
        r_(r),
        deadline_(r.num(f::hook::timeoutMs) == 0 ? ~u64{0} : r.num(f::hook::timeoutMs)),
        stdin_(r, static_cast<i32>(sys::getpid())) {}

  Result run() {
    SignalShield shield;
    OCI_TRY(start());
    shield.only_pipe();
    bool in_time = serve();
    if (!in_time) kill_group();
    return finish(in_time);
  }

 private:
  Result start() {
    StrList args = r_.strs(f::hook::args);
    StrList env = r_.strs(f::hook::env);
    Pointers pointers(usize{args.size()} + env.size() + 2);
    if (pointers.at == nullptr) return fail(Sys::mmap_, -ENOMEM);
    const char** out = pointers.at;
    for (u32 i = 0; i < args.size(); i++) *out++ = args[i].c();
    *out++ = nullptr;
    const char** environment = out;
    for (u32 i = 0; i < env.size(); i++) *out++ = env[i].c();
    *out = nullptr;
    OCI_TRY(make_pipe(input_));
    OCI_TRY(make_pipe(output_));
    OCI_TRY(check(Sys::fcntl_, sys::fcntl(input_.write.get(), F_SETFL, O_NONBLOCK)));
    OCI_TRY(check(Sys::fcntl_, sys::fcntl(output_.read.get(), F_SETFL, O_NONBLOCK)));
    Launch launch = {r_.str(f::hook::path).c(), pointers.at, environment, input_.read.get(),
                     output_.write.get()};
    int pidfd = -1;
    alignas(16) u8 stack[16384];
    constexpr u64 flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | kSigChld;
    long pid = oci_clone(flags, stack + sizeof(stack), &pidfd, child_main, &launch);
    if (pid < 0) return fail(Sys::clone_, pid);
    pid_ = static_cast<i32>(pid);
    pidfd_.reset(pidfd);
    input_.read.reset();
    output_.write.reset();
    if (launch.error == 0) return done();
    int status;
    reap(status);
    return ctx_.failed_on(launch.sys, launch.error, r_.str(f::hook::path));
  }

  // Feeds and reads until the program has ended. False: the time is over.
  bool serve() {
    for (;;) {
      PollFd polls[4] = {
          {pidfd_.get(), kPollIn, 0},
          {output_.read.get(), kPollIn, 0},
          {input_.write.get(), kPollOut, 0},
          {ctx_.parent, 0, 0},
      };
      u64 left = deadline_.left();
      if (left == 0) return false;
      if (left > kLongestPoll) left = kLongestPoll;
      TimeSpec timeout = {static_cast<i64>(left / 1000000000), static_cast<i64>(left % 1000000000)};
      long n = sys::ppoll(polls, 4, &timeout);
      if (n <= 0) continue;
      if ((polls[3].revents & (kPollHup | kPollErr)) != 0) {
        kill_group();
        sys::exit_group(1);
      }
      if (polls[1].revents != 0) drain();
      if (polls[2].revents != 0 && !stdin_.write(input_.write.get())) input_.write.reset();
      if (polls[0].revents != 0) {
        drain();
        return true;
      }
    }
  }

  // Takes what is in the pipe now. What the program left running in the background may hold it open for ever.
  void drain() {
    char buffer[1024];
    for (;;) {
      long n = sys::read(output_.read.get(), buffer, sizeof(buffer));
      if (n == -EAGAIN || n == -EINTR) return;
      if (n <= 0) {
        output_.read.reset();
        return;
      }
      tail_.add(buffer, static_cast<usize>(n));
    }
  }

  void kill_group() const {
    (void)sys::kill(-pid_, kSigKill);
    (void)sys::pidfd_send_signal(pidfd_.get(), kSigKill);
  }

  long reap(int& status) const {
    long rc;
    do {
      rc = sys::wait4(pid_, &status, kWAll);
    } while (rc == -EINTR);
    return rc;
  }

  Result finish(bool in_time) {
    int status = 0;
    long rc = reap(status);
    if (rc < 0) return ctx_.failed_on(Sys::wait4_, rc, r_.str(f::hook::path));
    if (in_time && status == 0) return done();
    auto& text = ctx_.text.clear();
    if (!in_time) {
      drain();
      text.add("the hook was killed after ").num(r_.num(f::hook::timeoutMs)).add(" ms");
    } else if ((status & 0x7f) != 0) {
      text.add("the hook was ended by signal ").num(static_cast<u64>(status & 0x7f));
    } else {
      text.add("the hook ended with exit code ").num(static_cast<u64>(status >> 8 & 0xff));
    }
    tail_.append_to(text);
    return Result{in_time ? ECHILD : ETIMEDOUT, Sys::none};
  }

  static constexpr u64 kLongestPoll = u64{3600} * 1000000000;

  Context& ctx_;
  const Record& r_;
  Deadline deadline_;
  Input stdin_;
  OutputTail tail_;
  Pipe input_;
  Pipe output_;
  Fd pidfd_;
  i32 pid_ = 0;
};

}  // namespace

namespace steps {

Result hook(Context& ctx, const Record& r) {
  if (r.strs(f::hook::args).size() == 0)
    return ctx.refuse(EINVAL, "a hook wants at least its name as an argument");
  return Hook(ctx, r).run();
}

}  // namespace steps
}  // namespace oci
