#include "cgroup_util.h"

#include "path.h"

namespace oci {
namespace {

constexpr u32 kMostLevels = 128;

long walk(int cgroup, Visit visit, void* argument, u32 level) {
  long rc = visit(cgroup, argument);
  if (rc != 0) return rc;
  if (level == kMostLevels) return -ELOOP;
  Fd fd(sys::openat(cgroup, ".", O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return is_gone(fd.get()) ? 0 : fd.get();
  Directory directory(static_cast<Fd&&>(fd));
  long error;
  while (const Dirent* entry = directory.next(error)) {
    if (entry->type != kDtDir) continue;
    Fd child(open_cgroup(directory.fd(), entry->name()));
    if (!child.valid()) {
      if (is_gone(child.get())) continue;
      return child.get();
    }
    rc = walk(child.get(), visit, argument, level + 1);
    if (rc != 0) return rc;
  }
  return is_gone(error) ? 0 : error;
}

long kill_one(i32 pid, void*) {
  (void)sys::kill(pid, kSigKill);
  return 0;
}

}  // namespace

long open_cgroup(int dir, const char* path) {
  return sys::openat(dir, path, O_RDONLY | O_DIRECTORY);
}

long write_control(int cgroup, const char* file, Str text) {
  Fd fd(sys::openat(cgroup, file, O_WRONLY));
  if (!fd.valid()) return fd.get();
  long n = sys::write(fd.get(), text.data, text.size);
  return n < 0 ? n : 0;
}

long walk_cgroups(int cgroup, Visit visit, void* argument) {
  return walk(cgroup, visit, argument, 0);
}

long each_process(int cgroup, VisitPid visit, void* argument) {
  Fd fd(sys::openat(cgroup, "cgroup.procs", O_RDONLY));
  if (!fd.valid()) return is_gone(fd.get()) ? 0 : fd.get();
  char buffer[1024];
  u64 pid = 0;
  for (;;) {
    long n = sys::read(fd.get(), buffer, sizeof(buffer));
    if (n == -EINTR) continue;
    // EOPNOTSUPP: a threaded cgroup, whose processes the domain above it lists.
    if (is_gone(n) || n == -EOPNOTSUPP) return 0;
    if (n <= 0) return n;
    for (long i = 0; i < n; i++) {
      char ch = buffer[i];
      if (ch >= '0' && ch <= '9') {
        pid = pid * 10 + static_cast<u64>(ch - '0');
        if (pid > 0x7fffffff) return -ERANGE;
        continue;
      }
      if (ch == '\n' && pid != 0) {
        long rc = visit(static_cast<i32>(pid), argument);
        if (rc != 0) return rc;
      }
      pid = 0;
    }
  }
}

long kill_all(int cgroup) {
  long rc = write_control(cgroup, "cgroup.kill", "1");
  if (rc == 0) return 0;
  return walk_cgroups(
      cgroup, [](int fd, void*) { return each_process(fd, kill_one, nullptr); }, nullptr);
}

}  // namespace oci
