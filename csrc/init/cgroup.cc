// Cgroup steps: join, remove, check.
#include "cgroup_util.h"
#include "steps.h"
#include "wait.h"

namespace oci {
namespace {

constexpr u32 kMostLevels = 128;

// Removes the cgroups below `cgroup` (an open directory), children first. The first -errno that was met, or
// 0.
long remove_children(int cgroup, u32 level) {
  if (level == kMostLevels) return -ELOOP;
  Fd fd(sys::openat(cgroup, ".", O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return is_gone(fd.get()) ? 0 : fd.get();
  Directory directory(static_cast<Fd&&>(fd));
  long first = 0;
  long error;
  while (const Dirent* entry = directory.next(error)) {
    if (entry->type != kDtDir) continue;
    long rc = sys::unlinkat(directory.fd(), entry->name(), AT_REMOVEDIR);
    if (rc == -EBUSY) {
      Fd child(open_cgroup(directory.fd(), entry->name()));
      if (child.valid()) {
        rc = remove_children(child.get(), level + 1);
        if (rc == 0) rc = sys::unlinkat(directory.fd(), entry->name(), AT_REMOVEDIR);
      }
    }
    if (rc < 0 && !is_gone(rc) && first == 0) first = rc;
  }
  return first != 0 || is_gone(error) ? first : error;
}

// One try at a cgroup and those below. 0: it is gone.
long try_remove(int dir, const char* path, bool kill) {
  long rc = sys::unlinkat(dir, path, AT_REMOVEDIR);
  if (rc == 0 || is_gone(rc)) return 0;
  if (rc != -EBUSY) {
    // On a read-only mount, what is not there needs no removal.
    Fd there(open_cgroup(dir, path));
    return is_gone(there.get()) ? 0 : rc;
  }
  Fd cgroup(open_cgroup(dir, path));
  if (!cgroup.valid()) return is_gone(cgroup.get()) ? 0 : cgroup.get();
  if (kill) (void)kill_all(cgroup.get());
  long below = remove_children(cgroup.get(), 0);
  if (below < 0) return below;
  rc = sys::unlinkat(dir, path, AT_REMOVEDIR);
  return rc == 0 || is_gone(rc) ? 0 : rc;
}

long has_process(int cgroup, void*) {
  return each_process(
      cgroup, [](i32, void*) { return long{-EBUSY}; }, nullptr);
}

// EAGAIN if the cgroup is frozen by its own setting.
long check_thawed(int cgroup, bool v1) {
  FixedString<32> state;
  long n = read_control(cgroup, v1 ? "freezer.state" : "cgroup.freeze", state);
  if (is_gone(n)) return 0;
  if (n < 0) return n;
  bool thawed = v1 ? state.str().starts_with("THAWED") : state.str().starts_with("0");
  return thawed ? 0 : -EAGAIN;
}

}  // namespace

namespace steps {

Result joinCgroup(Context& ctx, const Record& r) {
  int fd;
  OCI_TRY(slot_fd(ctx, r, f::joinCgroup::slot, fd));
  if (ctx.report != nullptr && (ctx.report->flags & kReportInCgroup) != 0) {
    StatFs fs;
    if (sys::fstatfs(fd, &fs) == 0 && fs.type == CGROUP2_SUPER_MAGIC) return done();
  }
  long n = sys::write(fd, "0", 1);
  return n < 0 ? oci::fail(Sys::write_, n) : done();
}

Result removeCgroup(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::removeCgroup::dir, dir));
  Str path = r.str(f::removeCgroup::path);
  Deadline deadline(r.num(f::removeCgroup::timeoutMs));
  Backoff backoff(deadline);
  for (;;) {
    long rc = try_remove(dir, path.c(), r.flag(f::removeCgroup::kill));
    if (rc == 0) return done();
    if (rc != -EBUSY || !backoff.pause()) return ctx.failed_on(Sys::unlinkat_, rc, path);
  }
}

Result checkCgroupEmpty(Context& ctx, const Record& r) {
  int dir;
  OCI_TRY(slot_dir(ctx, r, f::checkCgroupEmpty::dir, dir));
  Str path = r.str(f::checkCgroupEmpty::path);
  Fd cgroup(open_cgroup(dir, path.c()));
  if (!cgroup.valid()) {
    return is_gone(cgroup.get()) ? done() : ctx.failed_on(Sys::openat_, cgroup.get(), path);
  }
  long rc = walk_cgroups(cgroup.get(), has_process, nullptr);
  if (rc == -EBUSY) return ctx.refuse(EBUSY, "the cgroup has processes: ", path);
  if (rc < 0) return ctx.failed_on(Sys::read_, rc, path);
  rc = check_thawed(cgroup.get(), r.flag(f::checkCgroupEmpty::v1));
  if (rc == -EAGAIN) return ctx.refuse(EAGAIN, "the cgroup is frozen: ", path);
  return rc < 0 ? ctx.failed_on(Sys::read_, rc, path) : done();
}

}  // namespace steps
}  // namespace oci
