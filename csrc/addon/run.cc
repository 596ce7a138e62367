// `run`: a batch of host steps on a worker thread. `report`: what a launched program wrote about itself.
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <new>

#include "../init/interp.h"
#include "exports.h"
#include "host_context.h"
#include "instance.h"
#include "values.h"

namespace oci::addon {
namespace {

constexpr const char* syscall_name(u32 index) {
  return index < kSyscallCount ? kSyscallNames[index] : "";
}

// A plan's bytes, aligned, and the batch's own: JavaScript may change its buffer meanwhile.
class PlanCopy {
 public:
  PlanCopy() = default;
  PlanCopy(const PlanCopy&) = delete;
  PlanCopy& operator=(const PlanCopy&) = delete;
  ~PlanCopy() { ::operator delete(data_); }
  bool assign(const ByteView& source) {
    data_ = static_cast<u8*>(::operator new(source.size, std::nothrow));
    if (data_ == nullptr) return false;
    memcpy(data_, source.data, source.size);
    size_ = source.size;
    return true;
  }
  const u8* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  u8* data_ = nullptr;
  size_t size_ = 0;
};

// The process of an environment that has gone: nobody will ever wait for it.
void abandon(Fd pidfd) {
  class Reap : public Task {
   public:
    explicit Reap(Fd fd) : pidfd_(static_cast<Fd&&>(fd)) {}
    void work(Worker&) override {
      siginfo_t info;
      syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
      syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd_.get(), &info, WEXITED | __WALL, nullptr);
    }

   private:
    Fd pidfd_;
  };
  Task* task = new Reap(static_cast<Fd&&>(pidfd));
  if (Pool::submit(task) != 0) delete task;
}

class RunJob final : public Job {
 public:
  explicit RunJob(Napi::Env env) : Job(env) {}
  ~RunJob() override {
    for (int fd : fds_) {
      if (fd >= 0) close_fd(fd);
    }
    if (pidfd_.valid()) abandon(static_cast<Fd&&>(pidfd_));
  }

  PlanCopy plan;
  std::vector<int> slots;
  std::vector<int> keep;

  void work(Worker& worker) override;

 private:
  void settle(Napi::Env env) override;
  void set_failure(const HostContext& ctx, Result result);
  Napi::Value failure_value(Napi::Env env) const;

  DecodeResult decoded_;
  bool failed_ = false;
  u32 step_ = 0;
  i32 error_ = 0;
  const char* syscall_ = "";
  std::string text_;
  std::vector<int> fds_;
  Fd pidfd_;  // of the launched process, until the result is delivered
  i32 pid_ = 0;
  std::vector<std::vector<u8>> reads_;
  std::vector<double> times_;
};

void RunJob::work(Worker& worker) {
  Plan view;
  decoded_ = decode_plan(plan.data(), plan.size(), view);
  if (decoded_.error != DecodeError::none) return;

  HostContext ctx;
  ctx.child_stack = [](void* self) { return static_cast<Worker*>(self)->child_stack_top(); };
  ctx.child_stack_self = &worker;
  ctx.reads.self = &reads_;
  ctx.reads.reserve = [](void* self, usize max) -> u8* {
    auto& reads = *static_cast<std::vector<std::vector<u8>>*>(self);
    constexpr usize kMost = 64 * 1024 * 1024;
    if (max > kMost) return nullptr;
    reads.emplace_back(max);
    return reads.back().data();
  };
  ctx.reads.commit = [](void* self, usize size) {
    static_cast<std::vector<std::vector<u8>>*>(self)->back().resize(size);
  };
  for (size_t i = 0; i + 1 < slots.size(); i += 2) ctx.slots.lend(static_cast<u32>(slots[i]), slots[i + 1]);
  if (view.traced()) times_.reserve(view.count + 1);
  TraceSink trace;
  trace.self = &times_;
  trace.mark = [](void* self, u64 ns) {
    static_cast<std::vector<double>*>(self)->push_back(static_cast<double>(ns));
  };
  Result result = run_plan(ctx, view, trace);
  if (result.failed()) set_failure(ctx, result);
  pid_ = ctx.pid;
  pidfd_.reset(ctx.pidfd.release());
  fds_.reserve(keep.size());
  for (int slot : keep) fds_.push_back(ctx.slots.take(static_cast<u32>(slot)));
}

void RunJob::set_failure(const HostContext& ctx, Result result) {
  failed_ = true;
  step_ = ctx.step;
  error_ = result.error;
  syscall_ = syscall_name(static_cast<u32>(result.sys));
  text_.assign(ctx.text.c(), ctx.text.size());
}

Napi::Value RunJob::failure_value(Napi::Env env) const {
  if (!failed_) return env.Null();
  Napi::Object failure = Napi::Object::New(env);
  failure.Set("step", Napi::Number::New(env, step_));
  failure.Set("errno", Napi::Number::New(env, error_));
  failure.Set("syscall", Napi::String::New(env, syscall_));
  failure.Set("text", Napi::String::New(env, text_));
  return failure;
}

Napi::Value make_times(Napi::Env env, const double* times, size_t count) {
  Napi::Float64Array array = Napi::Float64Array::New(env, count);
  if (array.IsEmpty()) return env.Undefined();
  if (count > 0) memcpy(array.Data(), times, count * sizeof(double));
  return array;
}

void RunJob::settle(Napi::Env env) {
  if (decoded_.error != DecodeError::none) {
    std::string text = std::string("malformed plan: ") + decode_error_text(decoded_.error) + " (step " +
                       std::to_string(decoded_.step) + ")";
    Napi::TypeError error = Napi::TypeError::New(env, text);
    reject(env, error.Value());
    return;
  }
  Napi::Object result = Napi::Object::New(env);
  if (result.IsEmpty()) return;  // the environment is being terminated
  result.Set("failure", failure_value(env));
  result.Set("fds", make_ints(env, fds_.data(), fds_.size()));
  Napi::Array reads = Napi::Array::New(env, reads_.size());
  for (size_t i = 0; i < reads_.size(); i++) {
    reads.Set(static_cast<uint32_t>(i), make_bytes(env, reads_[i].data(), reads_[i].size()));
  }
  result.Set("reads", reads);
  result.Set("pid", Napi::Number::New(env, pid_));
  result.Set("times", make_times(env, times_.data(), times_.size()));
  if (env.IsExceptionPending() || !resolve(env, result)) return;
  fds_.clear();
  pidfd_.reset();
}

// Slots are checked here, so that a lent fd can't get lost.
bool valid_slots(Napi::Env env, const std::vector<int>& slots, size_t stride) {
  bool valid = slots.size() % stride == 0;
  for (size_t i = 0; valid && i < slots.size(); i += stride) {
    valid = slots[i] >= 0 && static_cast<u32>(slots[i]) < kMaxSlots;
  }
  if (!valid) Napi::RangeError::New(env, "not a list of slots").ThrowAsJavaScriptException();
  return valid;
}

Napi::Value run(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto job = std::make_unique<RunJob>(env);
  ByteView plan;
  if (!bytes_argument(info, 0, plan) || !ints_argument(info, 1, job->slots) ||
      !ints_argument(info, 2, job->keep) || !valid_slots(env, job->slots, 2) ||
      !valid_slots(env, job->keep, 1)) {
    return env.Undefined();
  }
  if (plan.size > kMaxPlanSize || !job->plan.assign(plan)) {
    Napi::RangeError::New(env, "the plan is too large").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return Job::submit(std::move(job));
}

// The other side may write anything at any time: one copy is taken, and only numbers come out of it, in their
// bounds.
Napi::Value report(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  if (env.IsExceptionPending()) return env.Undefined();
  Report page;
  ssize_t n = pread(fd, &page, sizeof(page), 0);
  if (n < 0 || static_cast<size_t>(n) < sizeof(page)) {
    throw_system_error(env, "pread", n < 0 ? errno : EIO);
    return env.Undefined();
  }
  constexpr u32 kMostTimes = 1 << 20;
  u32 count = page.times_count < page.times_capacity ? page.times_count : page.times_capacity;
  if (count > kMostTimes) count = kMostTimes;
  std::vector<u64> raw(count);
  ssize_t bytes = pread(fd, raw.data(), count * sizeof(u64), sizeof(page));
  raw.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes) / sizeof(u64));
  std::vector<double> times(raw.begin(), raw.end());

  Napi::Object result = Napi::Object::New(env);
  result.Set("step", Napi::Number::New(env, page.step));
  result.Set("part", Napi::Number::New(env, page.part));
  result.Set("errno", Napi::Number::New(env, page.error));
  result.Set("syscall", Napi::String::New(env, syscall_name(page.syscall)));
  result.Set("times", make_times(env, times.data(), times.size()));
  return result;
}

}  // namespace

void init_run(Napi::Env env, Napi::Object exports) {
  exports.Set("run", Napi::Function::New<run>(env, "run"));
  exports.Set("report", Napi::Function::New<report>(env, "report"));
}

}  // namespace oci::addon
