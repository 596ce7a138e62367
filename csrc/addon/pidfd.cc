// Processes by pidfd.
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exports.h"
#include "pidfd_info.h"
#include "values.h"

namespace oci::addon {
namespace {

constexpr int kPPidfd = 3;

Napi::Value pidfd_open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int pid = int_argument(info, 0);
  if (env.IsExceptionPending()) return env.Undefined();
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return Napi::Number::New(env, static_cast<double>(fd < 0 ? -errno : fd));
}

Napi::Value pidfd_signal(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int pidfd = int_argument(info, 0), signal = int_argument(info, 1);
  if (env.IsExceptionPending()) return env.Undefined();
  long rc = syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
  return Napi::Number::New(env, rc < 0 ? errno : 0);
}

struct Exit {
  bool exited = false;
  bool unknown = false;
  int code = -1;
  int signal = -1;
};

// From a wait status.
Exit exit_of(int status) {
  Exit result;
  result.exited = true;
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  } else {
    result.code = WEXITSTATUS(status);
  }
  return result;
}

// Somebody else's child: its status is kept with the pidfd once it was reaped (Linux 6.15); until then it
// still counts as running. Older kernels only tell that it is gone.
Exit exit_by_info(int pidfd) {
  PidfdInfo data = {};
  data.mask = kPidfdInfoExit;
  if (ioctl(pidfd, kPidfdGetInfo, &data) == 0 && (data.mask & kPidfdInfoExit) != 0)
    return exit_of(data.exit_code);
  Exit result;
  if (syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) != 0 && errno == ESRCH) {
    result.exited = true;
    result.unknown = true;
  }
  return result;
}

// 0, or an errno.
int exit_status(int pidfd, Exit& result) {
  siginfo_t status = {};
  long rc;
  do {
    rc = syscall(SYS_waitid, kPPidfd, pidfd, &status, WEXITED | WNOHANG | __WALL, nullptr);
  } while (rc != 0 && errno == EINTR);
  if (rc != 0 && errno != ECHILD) return errno;
  if (rc != 0) {
    result = exit_by_info(pidfd);
  } else if (status.si_pid != 0) {
    result.exited = true;
    (status.si_code == CLD_EXITED ? result.code : result.signal) = status.si_status;
  }
  return 0;
}

Napi::Value pidfd_exit(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int pidfd = int_argument(info, 0);
  if (env.IsExceptionPending()) return env.Undefined();
  Exit result;
  if (int error = exit_status(pidfd, result); error != 0) {
    throw_system_error(env, "waitid", error);
    return env.Undefined();
  }
  auto number_or_null = [&](int value) -> Napi::Value {
    if (value < 0) return env.Null();
    return Napi::Number::New(env, value);
  };
  Napi::Object object = Napi::Object::New(env);
  object.Set("exited", Napi::Boolean::New(env, result.exited));
  object.Set("code", number_or_null(result.code));
  object.Set("signal", number_or_null(result.signal));
  object.Set("unknown", Napi::Boolean::New(env, result.unknown));
  return object;
}

Napi::Value become_subreaper(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : errno);
}

Napi::Value reap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int pid = int_argument(info, 0);
  if (env.IsExceptionPending()) return env.Undefined();
  // 0 and negative numbers would reap anybody.
  return Napi::Boolean::New(env, pid > 0 && waitpid(pid, nullptr, WNOHANG | __WALL) == pid);
}

}  // namespace

void init_pidfd(Napi::Env env, Napi::Object exports) {
  exports.Set("pidfdOpen", Napi::Function::New<pidfd_open>(env, "pidfdOpen"));
  exports.Set("pidfdSignal", Napi::Function::New<pidfd_signal>(env, "pidfdSignal"));
  exports.Set("pidfdExit", Napi::Function::New<pidfd_exit>(env, "pidfdExit"));
  exports.Set("becomeSubreaper", Napi::Function::New<become_subreaper>(env, "becomeSubreaper"));
  exports.Set("reap", Napi::Function::New<reap>(env, "reap"));
}

}  // namespace oci::addon
