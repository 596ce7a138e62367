/** Numbers of the kernel's interface that plans carry; names as in the kernel's headers. */

/** Namespace flags of clone(2), unshare(2) and setns(2). */
export const CLONE = {
  NEWTIME: 0x0000_0080,
  NEWNS: 0x0002_0000,
  NEWCGROUP: 0x0200_0000,
  NEWUTS: 0x0400_0000,
  NEWIPC: 0x0800_0000,
  NEWUSER: 0x1000_0000,
  NEWPID: 0x2000_0000,
  NEWNET: 0x4000_0000,
} as const

/** Flags of mount(2). */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  SYNCHRONOUS: 16,
  REMOUNT: 32,
  MANDLOCK: 64,
  DIRSYNC: 128,
  NOSYMFOLLOW: 256,
  NOATIME: 1024,
  NODIRATIME: 2048,
  BIND: 4096,
  REC: 16384,
  SILENT: 32768,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
  RELATIME: 1 << 21,
  I_VERSION: 1 << 23,
  STRICTATIME: 1 << 24,
  LAZYTIME: 1 << 25,
} as const

/** Attributes of a mount: fsmount(2), mount_setattr(2). The access time is an enumeration in the bits of `ATIME`. */
export const MOUNT_ATTR = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  /** The mask of the enumeration; RELATIME is 0. */
  ATIME: 0x70,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  NOSYMFOLLOW: 0x0020_0000,
} as const

/** Flags of openat2(2) that are the same on x86-64 and arm64. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  NOCTTY: 0o400,
  NONBLOCK: 0o4000,
  PATH: 0o10000000,
} as const

/** File types of mknod(2). */
export const S_IFMT = { CHR: 0o020000, BLK: 0o060000, FIFO: 0o010000 } as const

/** Error numbers (the same on x86-64 and arm64). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EBADF: 9,
  EACCES: 13,
  EBUSY: 16,
  EINVAL: 22,
  ENOSYS: 38,
  EDQUOT: 122,
} as const

/** Clocks of time_namespaces(7). */
export const CLOCK = { MONOTONIC: 1, BOOTTIME: 7 } as const

/** RLIM_INFINITY. */
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn
