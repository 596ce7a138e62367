// `facts`: what this kernel and process can do.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../init/slots.h"
#include "exports.h"
#include "pidfd_info.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

namespace oci::addon {
namespace {

// Does not change while the process lives.
struct KernelFacts {
  int major = 0;
  int minor = 0;
  int cap_last_cap = 0;
  bool mount_setattr = false;
  bool clone_into_cgroup = false;
  bool time_namespace = false;
  bool pidfd_info_exit = false;
  bool apparmor = false;
  bool selinux = false;

  bool at_least(int a, int b) const { return major > a || (major == a && minor >= b); }
};

// The first bytes of a small file, without the line's end; empty if it can't be read.
std::string read_line(const char* path) {
  Fd fd(open(path, O_RDONLY | O_CLOEXEC));
  char buffer[64];
  ssize_t n = fd.valid() ? read(fd.get(), buffer, sizeof(buffer)) : -1;
  if (n <= 0) return {};
  if (buffer[n - 1] == '\n') n--;
  return std::string(buffer, static_cast<size_t>(n));
}

int64_t fs_type(const char* path) {
  struct statfs fs;
  return statfs(path, &fs) == 0 ? static_cast<int64_t>(fs.f_type) : 0;
}

// A call with an argument struct that is too short is EINVAL where the call exists and is allowed.
bool has_call(long number, long a, long b, long c, long d, long e) {
  return syscall(number, a, b, c, d, e) < 0 && errno == EINVAL;
}

int last_cap() {
  std::string text = read_line("/proc/sys/kernel/cap_last_cap");
  if (!text.empty()) return atoi(text.c_str());
  return CAP_LAST_CAP;
}

bool has_pidfd_info() {
  Fd self(syscall(SYS_pidfd_open, getpid(), 0));
  PidfdInfo info = {};
  return self.valid() && ioctl(self.get(), kPidfdGetInfo, &info) == 0;
}

KernelFacts probe() {
  constexpr int64_t kSelinuxMagic = 0xf97cff8c;
  KernelFacts facts;
  utsname name;
  if (uname(&name) == 0) sscanf(name.release, "%d.%d", &facts.major, &facts.minor);
  facts.cap_last_cap = last_cap();
  facts.mount_setattr = has_call(SYS_mount_setattr, -1, 0, 0, 0, 0);
  facts.clone_into_cgroup = facts.at_least(5, 7) && has_call(SYS_clone3, 0, 0, 0, 0, 0);
  facts.time_namespace = access("/proc/self/ns/time", F_OK) == 0;
  // The mask that asks for the exit code can't be tried out without a dead process.
  facts.pidfd_info_exit = facts.at_least(6, 15) && has_pidfd_info();
  facts.apparmor = read_line("/sys/module/apparmor/parameters/enabled") == "Y";
  facts.selinux = fs_type("/sys/fs/selinux") == kSelinuxMagic;
  return facts;
}

uint64_t effective_caps() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return 0;
  return uint64_t{data[1].effective} << 32 | data[0].effective;
}

bool in_initial_user_namespace() {
  constexpr ino_t kInitial = 0xEFFFFFFD;  // PROC_USER_INIT_INO
  struct stat status;
  return stat("/proc/self/ns/user", &status) == 0 && status.st_ino == kInitial;
}

Napi::Value facts(const Napi::CallbackInfo& info) {
  static const KernelFacts kernel = probe();
  constexpr int64_t kCgroup2Magic = 0x63677270;
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  auto set = [&](const char* name, bool value) { result.Set(name, Napi::Boolean::New(env, value)); };
  result.Set("euid", Napi::Number::New(env, geteuid()));
  result.Set("egid", Napi::Number::New(env, getegid()));
  result.Set("effectiveCaps", Napi::BigInt::New(env, effective_caps()));
  result.Set("capLastCap", Napi::Number::New(env, kernel.cap_last_cap));
  Napi::Array release = Napi::Array::New(env, 2);
  release.Set(0u, Napi::Number::New(env, kernel.major));
  release.Set(1u, Napi::Number::New(env, kernel.minor));
  result.Set("kernel", release);
  set("mountSetattr", kernel.mount_setattr);
  set("cloneIntoCgroup", kernel.clone_into_cgroup);
  set("timeNamespace", kernel.time_namespace);
  set("pidfdInfoExit", kernel.pidfd_info_exit);
  set("initialUserNamespace", in_initial_user_namespace());
  set("apparmor", kernel.apparmor);
  set("selinux", kernel.selinux);
  set("cgroup2", fs_type("/sys/fs/cgroup") == kCgroup2Magic);
  return result;
}

}  // namespace

void init_facts(Napi::Env env, Napi::Object exports) {
  exports.Set("facts", Napi::Function::New<facts>(env, "facts"));
}

}  // namespace oci::addon
