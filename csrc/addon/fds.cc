// Plain operations on file descriptors.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "../init/slots.h"
#include "exports.h"
#include "values.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8U
#endif

namespace oci::addon {
namespace {

Napi::Value pipe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw_system_error(env, "pipe2", errno);
    return env.Undefined();
  }
  return make_ints(env, ends, 2);
}

// 0, or an errno.
int fill_and_seal(int fd, const ByteView& bytes) {
  for (size_t at = 0; at < bytes.size;) {
    ssize_t n = write(fd, bytes.data + at, bytes.size - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    at += static_cast<size_t>(n);
  }
  constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  return fcntl(fd, F_ADD_SEALS, seals) == 0 ? 0 : errno;
}

Napi::Value memfd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name;
  ByteView bytes;
  if (!string_argument(info, 0, name) || !bytes_argument(info, 1, bytes)) return env.Undefined();
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Fd fd(memfd_create(name.c_str(), flags | MFD_NOEXEC_SEAL));
  if (!fd.valid() && errno == EINVAL) fd.reset(memfd_create(name.c_str(), flags));  // before Linux 6.3
  int error = fd.valid() ? fill_and_seal(fd.get(), bytes) : errno;
  if (error != 0) {
    throw_system_error(env, "memfd_create", error);
    return env.Undefined();
  }
  return Napi::Number::New(env, fd.release());
}

Napi::Value eventfd(const Napi::CallbackInfo& info) {
  int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    throw_system_error(info.Env(), "eventfd2", errno);
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value close(const Napi::CallbackInfo& info) {
  int fd = int_argument(info, 0);
  // EINTR and EIO free the number too. EBADF means that somebody closed what was not his: never let it pass.
  if (!info.Env().IsExceptionPending() && ::close(fd) != 0 && errno == EBADF) {
    throw_system_error(info.Env(), "close", EBADF);
  }
  return info.Env().Undefined();
}

Napi::Value dup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  if (env.IsExceptionPending()) return env.Undefined();
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) {
    throw_system_error(env, "fcntl", errno);
    return env.Undefined();
  }
  return Napi::Number::New(env, copy);
}

Napi::Value set_nonblock(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  if (env.IsExceptionPending()) return env.Undefined();
  int flags = fcntl(fd, F_GETFL);
  int error = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? errno : 0;
  return Napi::Number::New(env, error);
}

Napi::Value set_winsize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0), rows = int_argument(info, 1), columns = int_argument(info, 2);
  if (env.IsExceptionPending()) return env.Undefined();
  if (rows < 0 || rows > 0xffff || columns < 0 || columns > 0xffff) return Napi::Number::New(env, EINVAL);
  winsize size = {};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  return Napi::Number::New(env, ioctl(fd, TIOCSWINSZ, &size) == 0 ? 0 : errno);
}

Napi::Value raw_terminal(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  termios before = {};
  if (env.IsExceptionPending() || tcgetattr(fd, &before) != 0) return env.Null();
  termios raw = before;
  cfmakeraw(&raw);
  if (tcsetattr(fd, TCSADRAIN, &raw) != 0) return env.Null();
  return make_bytes(env, &before, sizeof(before));
}

Napi::Value set_terminal(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  ByteView bytes;
  termios settings = {};
  if (env.IsExceptionPending() || !bytes_argument(info, 1, bytes)) return env.Undefined();
  if (bytes.size != sizeof(settings)) return Napi::Number::New(env, EINVAL);
  memcpy(&settings, bytes.data, sizeof(settings));
  return Napi::Number::New(env, tcsetattr(fd, TCSADRAIN, &settings) == 0 ? 0 : errno);
}

Napi::Value get_winsize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  winsize size = {};
  if (env.IsExceptionPending() || ioctl(fd, TIOCGWINSZ, &size) != 0) return env.Null();
  int pair[] = {size.ws_row, size.ws_col};
  return make_ints(env, pair, 2);
}

Napi::Value errno_name_of(const Napi::CallbackInfo& info) {
  int error = int_argument(info, 0);
  return Napi::String::New(info.Env(), errno_name(error));
}

}  // namespace

void init_fds(Napi::Env env, Napi::Object exports) {
  exports.Set("pipe", Napi::Function::New<pipe>(env, "pipe"));
  exports.Set("memfd", Napi::Function::New<memfd>(env, "memfd"));
  exports.Set("eventfd", Napi::Function::New<eventfd>(env, "eventfd"));
  exports.Set("close", Napi::Function::New<close>(env, "close"));
  exports.Set("dup", Napi::Function::New<dup>(env, "dup"));
  exports.Set("setNonblock", Napi::Function::New<set_nonblock>(env, "setNonblock"));
  exports.Set("setWinsize", Napi::Function::New<set_winsize>(env, "setWinsize"));
  exports.Set("getWinsize", Napi::Function::New<get_winsize>(env, "getWinsize"));
  exports.Set("rawTerminal", Napi::Function::New<raw_terminal>(env, "rawTerminal"));
  exports.Set("setTerminal", Napi::Function::New<set_terminal>(env, "setTerminal"));
  exports.Set("errnoName", Napi::Function::New<errno_name_of>(env, "errnoName"));
}

}  // namespace oci::addon
