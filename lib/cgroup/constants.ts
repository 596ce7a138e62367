/** Error numbers that steps on cgroups may meet; the same on all architectures of Linux. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EROFS: 30,
  EOPNOTSUPP: 95,
} as const

/** Flags of openat2(2) that are the same on all architectures of Linux. */
export const OPEN = { WRONLY: 1, PATH: 0o10000000 } as const

/** Errors of a caller that may not write cgroups. */
export const FORBIDDEN: readonly number[] = [ERRNO.EACCES, ERRNO.EPERM, ERRNO.EROFS]
