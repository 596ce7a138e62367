// The program of a container: its lookup, its home, its exec.
#include "calls.h"
#include "exec.h"
#include "file_util.h"
#include "path.h"
#include "steps.h"
#include "talk.h"

namespace oci {
namespace {

constexpr const char* kDefaultPath = "/bin:/usr/bin";
constexpr int kExecutable = 1;  // X_OK

// The value of a variable, or an absent Str (size 0) and false.
bool environment_value(const StrList& env, Str name, Str& value) {
  for (u32 i = 0; i < env.size(); i++) {
    Str entry = env[i];
    if (entry.size > name.size && entry.starts_with(name) && entry[name.size] == '=') {
      value = entry.from(name.size + 1);
      return true;
    }
  }
  return false;
}

// Whether a path can be executed: 0, or -errno as execve(2) would give.
long executable(const char* path) {
  struct statx info = {};
  long rc = sys::statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_MODE, &info);
  if (rc < 0) return rc;
  if ((info.stx_mode & S_IFMT) != S_IFREG) return -EACCES;
  rc = sys::faccessat2(AT_FDCWD, path, kExecutable, AT_EACCESS);
  // Linux before 5.8, and sandboxes that do not know the call: the real ids are the effective ones here.
  if (rc == -ENOSYS || rc == -EPERM) rc = sys::call(__NR_faccessat, AT_FDCWD, path, kExecutable);
  return rc;
}

Result not_found(Context& ctx, long rc, Str program) {
  return ctx.failed_on(Sys::execve_, rc, program);
}

// Finds the home directory of a uid in the root's own /etc/passwd. No library is asked: it would load the
// image's modules.
class PasswdFile {
 public:
  bool home_of(u64 uid, FixedString<1040>& home) {
    constexpr int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK;
    Fd fd(sys::openat(AT_FDCWD, "/etc/passwd", flags));
    struct statx info = {};
    if (!fd.valid() || sys::statx_fd(fd.get(), STATX_TYPE, &info) < 0) return false;
    if ((info.stx_mode & S_IFMT) != S_IFREG) return false;
    for (usize total = 0; total < kMostBytes;) {
      char buffer[2048];
      long n = sys::read(fd.get(), buffer, sizeof(buffer));
      if (n <= 0) break;
      total += static_cast<usize>(n);
      for (long i = 0; i < n; i++) {
        if (buffer[i] != '\n') {
          line_.add(buffer[i]);
        } else if (line_is_of(uid, home)) {
          return true;
        }
      }
    }
    return line_is_of(uid, home);
  }

 private:
  static constexpr usize kMostBytes = 4 * 1024 * 1024;

  // name:password:uid:gid:comment:home:shell. Takes the line away.
  bool line_is_of(u64 wanted, FixedString<1040>& home) {
    bool whole = !line_.truncated();
    Str line = line_.str();
    usize begin = 0;
    u64 uid = 0;
    bool found = false;
    for (u32 field = 0; whole && field < 6; field++) {
      usize end = line.find(':', begin);
      if (field == 2 && (!parse_u64(line.slice(begin, end), uid) || uid != wanted)) break;
      if (field == 5 && begin < end && line[begin] == '/') {
        home.set("HOME=").add(line.slice(begin, end));
        found = !home.truncated();
      }
      if (end == line.size) break;
      begin = end + 1;
    }
    line_.clear();
    return found;
  }

  FixedString<1024> line_;
};

// Moves an fd out of the way of the numbers below `first_free`.
Result move_up(int& fd, u32 first_free) {
  if (fd < 0 || fd >= static_cast<int>(first_free)) return done();
  long moved = sys::fcntl(fd, F_DUPFD_CLOEXEC, first_free);
  if (moved < 0) return fail(Sys::fcntl_, moved);
  fd = static_cast<int>(moved);
  return done();
}

// Makes the kept slots' fds 3, 4, …; `reporter`, by which others are told of the exec, keeps out of their
// way.
Result arrange_fds(Context& ctx, const NumList& kept, int& reporter) {
  u32 first_free = 3 + kept.size();
  for (u32 i = 0; i < kept.size(); i++) {
    u32 slot = kept[i] < kMaxSlots ? static_cast<u32>(kept[i]) : kNoSlot;
    int fd = ctx.slots.get(slot);
    if (fd < 0) {
      ctx.text.set("nothing to keep in slot ").num(kept[i]);
      return Result{EBADF, Sys::none};
    }
    int moved = fd;
    OCI_TRY(move_up(moved, first_free));
    if (moved != fd) ctx.slots.put(slot, moved);
  }
  OCI_TRY(move_up(reporter, first_free));
  for (u32 i = 0; i < kept.size(); i++) {
    int to = static_cast<int>(3 + i);
    OCI_TRY(check(Sys::dup3_, sys::dup3(ctx.slots.get(static_cast<u32>(kept[i])), to, 0)));
  }
  return done();
}

// Closes the fds from `first` to `last`. A seccomp filter may forbid close_range(2); then what this program
// can have open is closed one by one, and what even then stays is close-on-exec.
void close_between(u32 first, u32 last) {
  if (first > last || sys::close_range(first, last, 0) == 0) return;
  u32 end = last < kMaxSlots + 64 ? last : kMaxSlots + 64;
  for (u32 fd = first; fd <= end; fd++) (void)sys::close(static_cast<int>(fd));
}

// Closes everything from `first` on, but the reporter, which closes by the exec.
void close_from(u32 first, int reporter) {
  if (reporter < 0) return close_between(first, ~0u);
  close_between(first, static_cast<u32>(reporter) - 1);
  close_between(static_cast<u32>(reporter) + 1, ~0u);
}

}  // namespace

const char** pointer_array(usize count) {
  constexpr int kReadWrite = 1 | 2;
  constexpr int kPrivateAnonymous = 2 | 0x20;
  long at = sys::mmap(count * sizeof(char*), kReadWrite, kPrivateAnonymous, -1);
  return at < 0 && at > -4096 ? nullptr : reinterpret_cast<const char**>(at);
}

Result prepare_exec(Context& ctx, const Record& r) {
  if (ctx.exec_args != nullptr) return done();
  StrList args = r.strs(f::exec::args);
  StrList env = r.strs(f::exec::env);
  if (args.size() == 0) return ctx.refuse(EINVAL, "there are no arguments");
  const char** memory = pointer_array(usize{args.size()} + env.size() + 4);
  if (memory == nullptr) return fail(Sys::mmap_, -ENOMEM);
  const char** out = memory;
  for (u32 i = 0; i < args.size(); i++) *out++ = args[i].c();
  *out++ = nullptr;
  const char** environment = out;
  Str home;
  bool wants_home = r.flag(f::exec::home) && (!environment_value(env, "HOME", home) || home.empty());
  bool wants_pid = r.flag(f::exec::pidEnv);
  for (u32 i = 0; i < env.size(); i++) {
    if (wants_home && env[i].starts_with("HOME=")) continue;
    if (wants_pid && env[i].starts_with("LISTEN_PID=")) continue;
    *out++ = env[i].c();
  }
  if (wants_home) {
    PasswdFile passwd;
    if (!passwd.home_of(r.num(f::exec::homeUid), ctx.exec_home)) ctx.exec_home.set("HOME=/");
    *out++ = ctx.exec_home.c();
  }
  if (wants_pid) *out++ = ctx.exec_pid.set("LISTEN_PID=").snum(sys::getpid()).c();
  *out = nullptr;
  ctx.exec_args = memory;
  ctx.exec_env = environment;
  return done();
}

namespace steps {

Result findProgram(Context& ctx, const Record& r) {
  Str program = r.str(f::findProgram::program);
  if (program.empty()) return not_found(ctx, -ENOENT, program);
  if (program.contains('/')) {
    long rc = executable(program.c());
    if (rc < 0) return not_found(ctx, rc, program);
    ctx.program.set(program);
    return ctx.program.truncated() ? not_found(ctx, -ENAMETOOLONG, program) : done();
  }
  Str path = kDefaultPath;
  (void)environment_value(r.strs(f::findProgram::env), "PATH", path);
  long worst = -ENOENT;
  for (usize at = 0; at <= path.size;) {
    usize end = path.find(':', at);
    ctx.program.clear().add(path.slice(at, end));
    if (at < end) ctx.program.add('/');
    ctx.program.add(program);
    long rc = ctx.program.truncated() ? -ENAMETOOLONG : executable(ctx.program.c());
    if (rc == 0) return done();
    if (rc == -EACCES) worst = -EACCES;
    at = end + 1;
  }
  ctx.program.clear();
  return not_found(ctx, worst, program);
}

Result exec(Context& ctx, const Record& r) {
  OCI_TRY(prepare_exec(ctx, r));
  NumList kept = r.nums(f::exec::fds);
  if (kept.size() > kMaxSlots) return ctx.refuse(EINVAL, "too many fds are to be kept");
  int reporter = listener_of(ctx);
  OCI_TRY(arrange_fds(ctx, kept, reporter));
  (ctx.starter >= 0 ? ctx.starter : ctx.parent) = reporter;
  close_from(3 + kept.size(), reporter);
  const char* program = ctx.program.empty() ? ctx.exec_args[0] : ctx.program.c();
  (void)send_message(ctx, reporter, Outgoing{MessageKind::exec});
  if (ctx.report != nullptr) ctx.report->state = static_cast<u32>(ReportState::done);
  long rc = sys::execve(program, ctx.exec_args, ctx.exec_env);
  return ctx.failed_on(Sys::execve_, rc, program);
}

}  // namespace steps
}  // namespace oci
