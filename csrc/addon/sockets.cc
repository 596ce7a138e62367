// Datagrams with file descriptors, and unix sockets by paths of any length.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../init/slots.h"
#include "exports.h"
#include "values.h"

namespace oci::addon {
namespace {

// The kernel's SCM_MAX_FD.
constexpr size_t kMostFds = 253;
// Longer than any message of init (a header and 8 KiB of text), with room for state sent to a seccomp agent.
constexpr size_t kMostBytes = 64 * 1024;

Napi::Value recv(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  if (env.IsExceptionPending()) return env.Undefined();
  char data[kMostBytes];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFds)];
  iovec part = {data, sizeof(data)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t size;
  do {
    size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return env.Null();
    // The peer closed with something of ours unread: the end all the same.
    if (errno != ECONNRESET) {
      throw_system_error(env, "recvmsg", errno);
      return env.Undefined();
    }
    size = 0;
    message.msg_controllen = 0;
  }
  std::vector<int> fds;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    size_t before = fds.size();
    fds.resize(before + count);
    memcpy(fds.data() + before, CMSG_DATA(c), count * sizeof(int));
  }
  // A part is worse than nothing: the caller could take one fd for another. (The control buffer fits all that
  // one message may carry, so MSG_CTRUNC means that this process has no numbers left.)
  if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
    for (int received : fds) close_fd(received);
    throw_system_error(env, "recvmsg", (message.msg_flags & MSG_CTRUNC) != 0 ? EMFILE : EMSGSIZE);
    return env.Undefined();
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("data", make_bytes(env, data, static_cast<size_t>(size)));
  result.Set("fds", make_ints(env, fds.data(), fds.size()));
  return result;
}

int send_all(int socket, const ByteView& bytes, const std::vector<int>& fds) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFds)] = {};
  size_t sent = 0;
  do {
    iovec part = {const_cast<uint8_t*>(bytes.data) + sent, bytes.size - sent};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (sent == 0 && !fds.empty()) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
      cmsghdr* c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
      memcpy(CMSG_DATA(c), fds.data(), sizeof(int) * fds.size());
    }
    ssize_t n = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    sent += static_cast<size_t>(n);
    if (n == 0) break;
  } while (sent < bytes.size);
  return 0;
}

Napi::Value send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = int_argument(info, 0);
  ByteView bytes;
  std::vector<int> fds;
  if (env.IsExceptionPending() || !bytes_argument(info, 1, bytes) || !ints_argument(info, 2, fds)) {
    return env.Undefined();
  }
  return Napi::Number::New(env, fds.size() > kMostFds ? EINVAL : send_all(fd, bytes, fds));
}

// A fd, or -errno. `path` is short: it goes through /proc/self/fd.
int connect_to(const char* path, int type) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof(address.sun_path)) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return -errno;
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return -errno;
  return socket.release();
}

Napi::Value connect(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int dir = int_argument(info, 0);
  std::string name;
  if (env.IsExceptionPending() || !string_argument(info, 1, name)) return env.Undefined();
  if (name.empty() || name.find('/') != std::string::npos) return Napi::Number::New(env, -EINVAL);
  std::string path = "/proc/self/fd/" + std::to_string(dir) + "/" + name;
  return Napi::Number::New(env, connect_to(path.c_str(), SOCK_SEQPACKET));
}

Napi::Value connect_path(const Napi::CallbackInfo& info, int type) {
  Napi::Env env = info.Env();
  std::string path;
  if (!string_argument(info, 0, path)) return env.Undefined();
  // A socket can't be opened, but held (O_PATH), and its name under /proc/self/fd is always short enough.
  Fd place(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place.valid()) return Napi::Number::New(env, -errno);
  char link[32];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", place.get());
  return Napi::Number::New(env, connect_to(link, type));
}

Napi::Value connect_stream(const Napi::CallbackInfo& info) {
  return connect_path(info, SOCK_STREAM);
}

int connect_abstract(const std::string& name, int type) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (name.size() > sizeof(address.sun_path)) return -ENAMETOOLONG;
  memcpy(address.sun_path, name.data(), name.size());
  address.sun_path[0] = '\0';
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return -errno;
  socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return -errno;
  return socket.release();
}

Napi::Value connect_datagram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  if (!string_argument(info, 0, path)) return env.Undefined();
  if (!path.empty() && path[0] == '@') return Napi::Number::New(env, connect_abstract(path, SOCK_DGRAM));
  return connect_path(info, SOCK_DGRAM);
}

// A fd, or -errno. Whoever can reach the directory may send.
int bind_datagram_at(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof(address.sun_path)) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return -errno;
  if (unlink(path) != 0 && errno != ENOENT) return -errno;
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return -errno;
  if (chmod(path, 0777) != 0) return -errno;
  return socket.release();
}

Napi::Value bind_datagram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int dir = int_argument(info, 0);
  std::string name;
  if (env.IsExceptionPending() || !string_argument(info, 1, name)) return env.Undefined();
  if (name.empty() || name.find('/') != std::string::npos) return Napi::Number::New(env, -EINVAL);
  std::string path = "/proc/self/fd/" + std::to_string(dir) + "/" + name;
  return Napi::Number::New(env, bind_datagram_at(path.c_str()));
}

}  // namespace

void init_sockets(Napi::Env env, Napi::Object exports) {
  exports.Set("recv", Napi::Function::New<recv>(env, "recv"));
  exports.Set("send", Napi::Function::New<send>(env, "send"));
  exports.Set("connect", Napi::Function::New<connect>(env, "connect"));
  exports.Set("connectStream", Napi::Function::New<connect_stream>(env, "connectStream"));
  exports.Set("connectDatagram", Napi::Function::New<connect_datagram>(env, "connectDatagram"));
  exports.Set("bindDatagram", Napi::Function::New<bind_datagram>(env, "bindDatagram"));
}

}  // namespace oci::addon
