// Targets of mounts: opened in the root that is not trusted, made if missing, checked, and from then on only
// worked on by fd.
#pragma once

#include "path.h"
#include "uapi.h"

namespace oci {

// What identifies an open file.
struct FileId {
  u32 mode = 0;  // type and permissions
  u32 uid = 0;
  u32 gid = 0;
  u64 ino = 0;
  u64 dev = 0;    // of the filesystem
  u64 rdev = 0;   // of a device node
  u64 mount = 0;  // the mount's id
  bool mount_root = false;

  u32 type() const { return mode & S_IFMT; }
  bool is_dir() const { return type() == S_IFDIR; }
  bool is_char(u32 major, u32 minor) const;
  bool same_file(const FileId& o) const { return dev == o.dev && ino == o.ino; }
  // The same place: file and mount.
  bool same_place(const FileId& o) const { return same_file(o) && mount == o.mount; }
};

// A device number as FileId has it.
constexpr u64 device_id(u32 major, u32 minor) {
  return u64{major} << 32 | minor;
}

// statx(2) of an fd, O_PATH or not.
Result identify(Context& ctx, int fd, FileId& out);

// The magic number of the filesystem that an fd is on; 0 if it can't be had.
i64 fs_magic(int fd);

// How a target is opened.
struct TargetRules {
  bool directory = true;   // what is made if it is missing, and what it must be
  bool real_dir = false;   // reached by no symlink at all (proc, sysfs)
  bool no_follow = false;  // the last component is not followed: a symlink there is the target itself
  bool over_proc = false;  // the root of a procfs may be covered
};

// Opens (O_PATH) the place `path` in `root` to mount on, making it (and its parents) if it is missing.
// Refused with EBUSY: the root itself; with EPERM: whatever lies on a procfs, but for the files that lxcfs
// imitates. `made`: it was missing.
Result open_target(Context& ctx, int root, Str path, const TargetRules& rules, Fd& out, bool* made = nullptr);

// Opens (O_PATH, never following the last component) the non-directory `path` in `root`, for a device or a
// console to be bound on; made if missing. ELOOP: a symlink is there.
Result open_node_target(Context& ctx, int root, Str path, Fd& out);

// Refuses a target on a procfs, but for the allowed files in the procfs of `root`.
Result check_not_proc(Context& ctx, int root, int fd, Str path, bool over_proc);

// Names for fds, for the calls that take a path only (mount(2), umount2(2)). They lead through
// MountState::proc; where that is not reachable by a path of its own, it is the working directory for as long
// as this object lives.
class ViaProc {
 public:
  explicit ViaProc(Context& ctx);
  ~ViaProc();
  ViaProc(const ViaProc&) = delete;
  ViaProc& operator=(const ViaProc&) = delete;

  // EPERM where there is no procfs that can be trusted.
  Result ready(Context& ctx) const;
  // "…/self/fd/N".
  FixedString<40> path(int fd) const;

 private:
  Fd cwd_;
  bool relative_ = false;
  bool ready_ = false;
};

// Makes sure that MountState::proc is open, if there is a procfs to be trusted (never on a thread of the
// addon).
bool ensure_proc(Context& ctx);

}  // namespace oci
