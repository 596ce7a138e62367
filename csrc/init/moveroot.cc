// The way to a new root without pivot_root(2): the host's tree stays below, so what is dangerous in it goes
// first.
#include "attach.h"
#include "calls.h"
#include "steps.h"

namespace oci {

namespace {

constexpr int kMntDetach = 2;
constexpr int kUmountNofollow = 8;

// What is of interest in a line of /proc/PID/mountinfo.
struct MountLine {
  u64 id = 0;
  Str root;
  Str point;
  Str fstype;
};

// `\040` and the like back to the byte.
void unescape(Str text, PathBuffer& out) {
  out.clear();
  for (usize i = 0; i < text.size; i++) {
    if (text[i] == '\\' && i + 3 < text.size) {
      out.add(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      out.add(text[i]);
    }
  }
}

// id parent major:minor root point options [tags…] - fstype source superoptions
bool parse_line(Str line, MountLine& out) {
  usize at = 0;
  bool dash = false;
  for (u32 i = 0; at < line.size; i++) {
    usize end = line.find(' ', at);
    Str word = line.slice(at, end);
    if (i == 0 && !parse_u64(word, out.id)) return false;
    if (i == 3) out.root = word;
    if (i == 4) out.point = word;
    if (dash) {
      out.fstype = word;
      return true;
    }
    dash = i > 5 && word == Str("-");
    at = end + 1;
  }
  return false;
}

bool below(Str path, Str dir) {
  if (dir == Str("/")) return true;
  return path.starts_with(dir) && (path.size == dir.size || path[dir.size] == '/');
}

// Takes one full procfs or sysfs of the host away, or covers it where it is locked.
Result hide(Context& ctx, const MountLine& line, Str root_path) {
  if (!(line.fstype == Str("proc") || line.fstype == Str("sysfs")) || !(line.root == Str("/"))) return done();
  PathBuffer point;
  unescape(line.point, point);
  if (point.truncated() || below(point, root_path)) return done();
  Fd mount(sys::openat(AT_FDCWD, point.c(), O_PATH | O_NOFOLLOW));
  FileId id;
  if (!mount.valid()) return done();
  OCI_TRY(identify(ctx, mount.get(), id));
  // Something else lies on it.
  if (id.mount != line.id) return done();
  OCI_TRY(set_propagation(ctx, mount.get(), u64{MS_SLAVE | MS_REC}));
  long rc = sys::umount2(point.c(), kMntDetach | kUmountNofollow);
  if (rc == -EINVAL || rc == -EPERM) {
    rc = sys::mount("tmpfs", point.c(), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    return rc < 0 ? ctx.failed_on(Sys::mount_, rc, point) : done();
  }
  return rc < 0 ? ctx.failed_on(Sys::umount2_, rc, point) : done();
}

Result hide_all(Context& ctx, Str root_path) {
  if (!ensure_proc(ctx)) return ctx.refuse(EPERM, "the host's mounts can't be listed without /proc");
  long rc = sys::openat(ctx.mount.proc.get(), "self/mountinfo", O_RDONLY);
  if (rc < 0) return ctx.failed_on(Sys::openat_, rc, "self/mountinfo");
  Fd list(rc);
  char buffer[32768];
  usize have = 0;
  for (;;) {
    long n = sys::read(list.get(), buffer + have, sizeof(buffer) - have);
    if (n < 0) return fail(Sys::read_, n);
    if (n == 0) return done();
    have += static_cast<usize>(n);
    Str text(buffer, have);
    usize at = 0;
    for (usize end = text.find('\n'); end < have; end = text.find('\n', at)) {
      MountLine line;
      if (parse_line(text.slice(at, end), line)) OCI_TRY(hide(ctx, line, root_path));
      at = end + 1;
    }
    if (at == 0 && have == sizeof(buffer)) return ctx.refuse(E2BIG, "a line of mountinfo is too long");
    have -= at;
    __builtin_memmove(buffer, buffer + at, have);
  }
}

}  // namespace

Result steps::moveRoot(Context& ctx, const Record& r) {
  int root;
  OCI_TRY(slot_fd(ctx, r, f::moveRoot::root, root));
  Fd stage;
  if (ctx.mount.stage.valid()) stage.reset(sys::openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY));
  OCI_TRY(check(Sys::fchdir_, sys::fchdir(root)));
  PathBuffer path;
  long n = sys::getcwd(path.data(), PathBuffer::capacity());
  if (n < 0) return fail(Sys::getcwd_, n);
  path.set_size(static_cast<usize>(n) - 1);
  if (path.c()[0] != '/') return ctx.refuse(EINVAL, "the root directory can't be reached from `/`");
  OCI_TRY(hide_all(ctx, path));
  OCI_TRY(check(Sys::fchdir_, sys::fchdir(root)));
  OCI_TRY(check(Sys::mount_, sys::mount(".", "/", nullptr, MS_MOVE, nullptr)));
  // What was staged comes out from under the root. It is locked there, but can be covered.
  if (stage.valid()) {
    OCI_TRY(check(Sys::fchdir_, sys::fchdir(stage.get())));
    OCI_TRY(check(Sys::mount_, sys::mount("tmpfs", ".", "tmpfs", MS_RDONLY, nullptr)));
    OCI_TRY(check(Sys::fchdir_, sys::fchdir(root)));
  }
  OCI_TRY(check(Sys::chroot_, sys::chroot(".")));
  ctx.mount.root_changed = true;
  return check(Sys::chdir_, sys::chdir("/"));
}

}  // namespace oci
