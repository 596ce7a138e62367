// System calls by name, with C++ types: each returns what the kernel does, -errno on failure.
#pragma once

#include "sys.h"
#include "uapi.h"

namespace oci::sys {

// Files.
inline long openat(int dir, const char* path, int flags, u32 mode = 0) {
  return call(__NR_openat, dir, path, flags | O_CLOEXEC, mode);
}
inline long openat2(int dir, const char* path, const open_how* how) {
  return call(__NR_openat2, dir, path, how, sizeof(*how));
}
inline long close(int fd) {
  return call(__NR_close, fd);
}
inline long close_range(u32 first, u32 last, u32 flags) {
  return call(__NR_close_range, first, last, flags);
}
inline long read(int fd, void* buffer, usize size) {
  return call(__NR_read, fd, buffer, size);
}
inline long write(int fd, const void* data, usize size) {
  return call(__NR_write, fd, data, size);
}
inline long dup3(int from, int to, int flags) {
  return call(__NR_dup3, from, to, flags);
}
inline long fcntl(int fd, int command, long argument) {
  return call(__NR_fcntl, fd, command, argument);
}
inline long mkdirat(int dir, const char* path, u32 mode) {
  return call(__NR_mkdirat, dir, path, mode);
}
inline long mknodat(int dir, const char* path, u32 mode, u32 device) {
  return call(__NR_mknodat, dir, path, mode, device);
}
inline long unlinkat(int dir, const char* path, int flags) {
  return call(__NR_unlinkat, dir, path, flags);
}
inline long renameat2(int from_dir, const char* from, int to_dir, const char* to, u32 flags) {
  return call(__NR_renameat2, from_dir, from, to_dir, to, flags);
}
inline long symlinkat(const char* target, int dir, const char* path) {
  return call(__NR_symlinkat, target, dir, path);
}
inline long linkat(int from_dir, const char* from, int to_dir, const char* to, int flags) {
  return call(__NR_linkat, from_dir, from, to_dir, to, flags);
}
inline long readlinkat(int dir, const char* path, char* buffer, usize size) {
  return call(__NR_readlinkat, dir, path, buffer, size);
}
inline long fchmod(int fd, u32 mode) {
  return call(__NR_fchmod, fd, mode);
}
inline long fchmodat(int dir, const char* path, u32 mode) {
  return call(__NR_fchmodat, dir, path, mode);
}
inline long fchown(int fd, u32 uid, u32 gid) {
  return call(__NR_fchown, fd, uid, gid);
}
inline long fchownat(int dir, const char* path, u32 uid, u32 gid, int flags) {
  return call(__NR_fchownat, dir, path, uid, gid, flags);
}
inline long statx(int dir, const char* path, int flags, u32 mask, struct statx* out) {
  return call(__NR_statx, dir, path, flags, mask, out);
}
// statx of the fd itself, O_PATH or not.
inline long statx_fd(int fd, u32 mask, struct statx* out) {
  return statx(fd, "", AT_EMPTY_PATH, mask, out);
}
inline long fstatfs(int fd, StatFs* out) {
  return call(__NR_fstatfs, fd, out);
}
inline long getdents64(int fd, void* buffer, usize size) {
  return call(__NR_getdents64, fd, buffer, size);
}
inline long faccessat2(int dir, const char* path, int mode, int flags) {
  return call(__NR_faccessat2, dir, path, mode, flags);
}
inline long flock(int fd, int operation) {
  return call(__NR_flock, fd, operation);
}
inline long ioctl(int fd, u64 request, const void* argument) {
  return call(__NR_ioctl, fd, request, argument);
}
inline long pipe2(int fds[2], int flags) {
  return call(__NR_pipe2, fds, flags);
}
inline long lseek(int fd, i64 offset, int whence) {
  return call(__NR_lseek, fd, offset, whence);
}
inline long memfd_create(const char* name, u32 flags) {
  return call(__NR_memfd_create, name, flags);
}
inline long utimensat(int dir, const char* path, const TimeSpec times[2], int flags) {
  return call(__NR_utimensat, dir, path, times, flags);
}
inline long sendfile(int to, int from, i64* offset, usize size) {
  return call(__NR_sendfile, to, from, offset, size);
}

// Mounts.
inline long mount(const char* source, const char* target, const char* type, u64 flags, const void* data) {
  return call(__NR_mount, source, target, type, flags, data);
}
inline long umount2(const char* target, int flags) {
  return call(__NR_umount2, target, flags);
}
inline long pivot_root(const char* root, const char* old) {
  return call(__NR_pivot_root, root, old);
}
inline long chroot(const char* path) {
  return call(__NR_chroot, path);
}
inline long open_tree(int dir, const char* path, u32 flags) {
  return call(__NR_open_tree, dir, path, flags);
}
inline long move_mount(int from_dir, const char* from, int to_dir, const char* to, u32 flags) {
  return call(__NR_move_mount, from_dir, from, to_dir, to, flags);
}
inline long fsopen(const char* type, u32 flags) {
  return call(__NR_fsopen, type, flags);
}
inline long fsconfig(int fs, u32 command, const char* key, const void* value, int aux) {
  return call(__NR_fsconfig, fs, command, key, value, aux);
}
inline long fsmount(int fs, u32 flags, u32 attrs) {
  return call(__NR_fsmount, fs, flags, attrs);
}
inline long fspick(int dir, const char* path, u32 flags) {
  return call(__NR_fspick, dir, path, flags);
}
inline long mount_setattr(int dir, const char* path, u32 flags, const mount_attr* attr) {
  return call(__NR_mount_setattr, dir, path, flags, attr, sizeof(*attr));
}

// The process.
inline long chdir(const char* path) {
  return call(__NR_chdir, path);
}
inline long fchdir(int fd) {
  return call(__NR_fchdir, fd);
}
inline long getcwd(char* buffer, usize size) {
  return call(__NR_getcwd, buffer, size);
}
inline long getpid() {
  return call(__NR_getpid);
}
inline long umask(u32 mask) {
  return call(__NR_umask, mask);
}
inline long unshare(u64 flags) {
  return call(__NR_unshare, flags);
}
inline long setns(int fd, u64 type) {
  return call(__NR_setns, fd, type);
}
inline long setsid() {
  return call(__NR_setsid);
}
inline long setpgid(int pid, int pgid) {
  return call(__NR_setpgid, pid, pgid);
}
inline long prctl(int option, u64 a = 0, u64 b = 0, u64 c = 0, u64 d = 0) {
  return call(__NR_prctl, option, a, b, c, d);
}
inline long execve(const char* path, const char* const* args, const char* const* env) {
  return call(__NR_execve, path, args, env);
}
inline long execveat(int dir, const char* path, const char* const* args, const char* const* env, int flags) {
  return call(__NR_execveat, dir, path, args, env, flags);
}
[[noreturn]] inline void exit_group(int code) {
  call(__NR_exit_group, code);
  // A seccomp filter may forbid even that.
  __builtin_trap();
}
inline long kill(int pid, int signal) {
  return call(__NR_kill, pid, signal);
}
inline long pidfd_open(int pid, u32 flags) {
  return call(__NR_pidfd_open, pid, flags);
}
inline long pidfd_send_signal(int pidfd, int signal) {
  return call(__NR_pidfd_send_signal, pidfd, signal, nullptr, 0);
}
// `info`: 128 bytes of siginfo_t.
inline long waitid(int type, int id, void* info, int options) {
  return call(__NR_waitid, type, id, info, options, nullptr);
}
inline long wait4(int pid, int* status, int options) {
  return call(__NR_wait4, pid, status, options, nullptr);
}
inline long sigaction(int signal, const SigAction* action, SigAction* old) {
  return call(__NR_rt_sigaction, signal, action, old, 8);
}
inline long sigprocmask(int how, const u64* set, u64* old) {
  return call(__NR_rt_sigprocmask, how, set, old, 8);
}
inline long prlimit64(int pid, u32 resource, const u64 limit[2], u64 old[2]) {
  return call(__NR_prlimit64, pid, resource, limit, old);
}

// Sockets and waiting.
inline long socket(int family, int type, int protocol) {
  return call(__NR_socket, family, type, protocol);
}
inline long socketpair(int family, int type, int protocol, int fds[2]) {
  return call(__NR_socketpair, family, type, protocol, fds);
}
inline long bind(int fd, const void* address, u32 size) {
  return call(__NR_bind, fd, address, size);
}
inline long listen(int fd, int backlog) {
  return call(__NR_listen, fd, backlog);
}
inline long accept4(int fd, int flags) {
  return call(__NR_accept4, fd, nullptr, nullptr, flags);
}
inline long connect(int fd, const void* address, u32 size) {
  return call(__NR_connect, fd, address, size);
}
inline long sendmsg(int fd, const MsgHdr* message, int flags) {
  return call(__NR_sendmsg, fd, message, flags);
}
inline long recvmsg(int fd, MsgHdr* message, int flags) {
  return call(__NR_recvmsg, fd, message, flags);
}
inline long ppoll(PollFd* fds, u32 count, const TimeSpec* timeout) {
  return call(__NR_ppoll, fds, count, timeout, nullptr, 8);
}
inline long nanosleep(const TimeSpec* time) {
  return call(__NR_nanosleep, time, nullptr);
}
inline long clock_gettime(int clock, TimeSpec* time) {
  return call(__NR_clock_gettime, clock, time);
}
inline long mmap(usize size, int protection, int flags, int fd) {
  return call(__NR_mmap, nullptr, size, protection, flags, fd, 0);
}
inline long munmap(void* at, usize size) {
  return call(__NR_munmap, at, size);
}

}  // namespace oci::sys
