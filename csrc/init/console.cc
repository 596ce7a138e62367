// The terminal of the container, from its own devpts; and the null device as standard stream.
#include "attach.h"
#include "calls.h"
#include "legacy.h"
#include "steps.h"
#include "talk.h"

namespace oci {

namespace {

namespace fld = f::console;

constexpr u64 kTiocsctty = 0x540e;
constexpr u64 kTiocswinsz = 0x5414;
constexpr u64 kTiocgptpeer = 0x5441;
constexpr u64 kTiocgptn = 0x80045430;
constexpr u64 kTiocsptlck = 0x40045431;

struct WinSize {
  u16 rows;
  u16 columns;
  u16 x;
  u16 y;
};

// The root that names are looked up in: the slot's, or the process's own.
Result open_root(Context& ctx, const Record& r, u32 field, Fd& own, int& root) {
  if (r.has_slot(field)) return slot_fd(ctx, r, field, root);
  own.reset(sys::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
  root = own.get();
  return own.valid() ? done() : fail(Sys::openat_, own.get());
}

// Only the kernel makes names in a devpts: in a directory that is one, and with nothing mounted on it, `ptmx`
// is what it seems.
Result open_master(Context& ctx, int root, Fd& master) {
  long rc = open_in_root(root, "dev/pts", O_PATH | O_DIRECTORY);
  if (rc < 0) return ctx.failed_on(Sys::openat2_, rc, "/dev/pts");
  Fd pts(rc);
  FileId id;
  OCI_TRY(identify(ctx, pts.get(), id));
  if (fs_magic(pts.get()) != DEVPTS_SUPER_MAGIC || !id.mount_root) {
    return ctx.refuse(ENODEV, "a terminal needs a devpts on /dev/pts");
  }
  constexpr u64 kResolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  rc = open_resolved(pts.get(), "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0, kResolve);
  if (rc < 0) return ctx.failed_on(Sys::openat2_, rc, "/dev/pts/ptmx");
  master.reset(rc);
  OCI_TRY(identify(ctx, master.get(), id));
  if (!id.is_char(5, 2) || id.ino != 2) return ctx.refuse(ENODEV, "/dev/pts/ptmx is no ptmx");
  return done();
}

Result open_pair(Context& ctx, int root, Fd& master, Fd& peer) {
  OCI_TRY(open_master(ctx, root, master));
  int unlocked = 0;
  OCI_TRY(check(Sys::ioctl_, sys::ioctl(master.get(), kTiocsptlck, &unlocked)));
  // By the master itself, never by a name in /dev/pts.
  long rc = sys::call(__NR_ioctl, master.get(), kTiocgptpeer, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (rc < 0) return ctx.failed_on(Sys::ioctl_, rc, "TIOCGPTPEER");
  peer.reset(rc);
  if (fs_magic(peer.get()) != DEVPTS_SUPER_MAGIC)
    return ctx.refuse(ENODEV, "the terminal is not on a devpts");
  return done();
}

Result bind_console(Context& ctx, int root, int peer) {
  Fd target;
  OCI_TRY(open_node_target(ctx, root, "/dev/console", target));
  Fd tree;
  Result cloned = clone_tree(ctx, peer, "", AT_EMPTY_PATH, tree);
  if (cloned.ok()) return attach_tree(ctx, tree.get(), target.get(), "/dev/console");
  if (!unavailable(-long{cloned.error})) return cloned;
  bool placed;
  return legacy_bind(ctx, root, peer, false, target.get(), "/dev/console", tree, placed);
}

// The console-socket protocol: the terminal's name as data, the master as SCM_RIGHTS.
Result send_to_socket(Context& ctx, int socket, int master) {
  u32 number = 0;
  OCI_TRY(check(Sys::ioctl_, sys::ioctl(master, kTiocgptn, &number)));
  FixedString<32> name;
  name.add("/dev/pts/").num(number);
  IoVec data = {name.c(), name.size()};
  struct {
    CmsgHdr head;
    i32 fd;
    i32 padding;
  } control = {{sizeof(CmsgHdr) + sizeof(i32), kSolSocket, kScmRights}, master, 0};
  MsgHdr message = {nullptr, 0, &data, 1, &control, sizeof(control), 0};
  long rc = sys::sendmsg(socket, &message, kMsgNosignal);
  return rc < 0 ? ctx.failed_on(Sys::sendmsg_, rc, "the console socket") : done();
}

Result hand_over(Context& ctx, const Record& r, int master) {
  if (r.has_slot(fld::socket)) {
    int socket;
    OCI_TRY(slot_fd(ctx, r, fld::socket, socket));
    return send_to_socket(ctx, socket, master);
  }
  if (ctx.parent < 0) return ctx.refuse(ENOTCONN, "nobody is there to take the terminal");
  long rc =
      send_message(ctx, ctx.parent, Outgoing{.kind = MessageKind::fd, .value = kFdConsole, .fd = master});
  return rc < 0 ? ctx.failed_on(Sys::sendmsg_, rc, "the parent") : done();
}

}  // namespace

Result steps::console(Context& ctx, const Record& r) {
  Fd own;
  int root;
  OCI_TRY(open_root(ctx, r, fld::root, own, root));
  Fd master;
  Fd peer;
  OCI_TRY(open_pair(ctx, root, master, peer));
  WinSize size = {static_cast<u16>(r.num(fld::rows)), static_cast<u16>(r.num(fld::columns)), 0, 0};
  if (size.rows != 0 || size.columns != 0) {
    OCI_TRY(check(Sys::ioctl_, sys::ioctl(master.get(), kTiocswinsz, &size)));
  }
  if (r.num32(fld::uid) != 0) {
    OCI_TRY(check(Sys::fchown_, sys::fchown(peer.get(), r.num32(fld::uid), ~u32{0})));
  }
  if (r.flag(fld::bindConsole)) OCI_TRY(bind_console(ctx, root, peer.get()));
  OCI_TRY(hand_over(ctx, r, master.get()));
  OCI_TRY(check(Sys::ioctl_, sys::call(__NR_ioctl, peer.get(), kTiocsctty, 0)));
  for (int fd = 0; fd < 3; fd++) OCI_TRY(check(Sys::dup3_, sys::dup3(peer.get(), fd, 0)));
  return done();
}

Result steps::reopenNull(Context& ctx, const Record& r) {
  Fd own;
  int root;
  OCI_TRY(open_root(ctx, r, f::reopenNull::root, own, root));
  // Where the image has no null device, or another one, the host's stays: it is the real one.
  Fd null(open_in_root(root, "dev/null", O_PATH | O_NOFOLLOW));
  FileId id;
  if (!null.valid()) return done();
  OCI_TRY(identify(ctx, null.get(), id));
  if (!id.is_char(1, 3) || !ensure_proc(ctx)) return done();
  FixedString<40> name;
  name.add("self/fd/").num(static_cast<u64>(null.get()));
  Fd fresh;
  long mode = -1;
  for (int fd = 0; fd < 3; fd++) {
    FileId stream;
    if (identify(ctx, fd, stream).failed() || !stream.is_char(1, 3)) continue;
    long flags = sys::fcntl(fd, F_GETFL, 0);
    if (flags < 0) return fail(Sys::fcntl_, flags);
    if (mode != (flags & O_ACCMODE)) {
      mode = flags & O_ACCMODE;
      fresh.reset(sys::openat(ctx.mount.proc.get(), name.c(), static_cast<int>(mode) | O_NOCTTY));
    }
    // A mount may forbid devices.
    if (!fresh.valid()) return done();
    OCI_TRY(check(Sys::dup3_, sys::dup3(fresh.get(), fd, 0)));
  }
  ctx.text.clear();
  return done();
}

}  // namespace oci
