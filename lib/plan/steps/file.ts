/**
 * Steps on files. Each path is relative to the directory in slot `dir`; without a slot it is a path of the process's
 * own root (host steps: the host). `inRoot` resolves with openat2(RESOLVE_IN_ROOT): `dir` is then taken as `/`, and
 * no symlink, `..` or magic link leads out of it. Missing parents are made component by component on fds.
 */
export const FILE_STEPS = {
  /**
   * Opens `path` (openat2(2)) into slot `to`. `flags`: O_* (O_CLOEXEC is added), `mode` for O_CREAT, `resolve`:
   * RESOLVE_*.
   */
  open: {
    op: 20,
    fields: { to: 'slot', dir: 'slot?', path: 'str', flags: 'u64', mode: 'u64?', resolve: 'u64?' },
  },
  /**
   * Makes a directory. `parents`: missing ones too (0755). `existOk`: an existing directory is no error. `mode` is
   * exact (the umask does not count). `chown`: gives the made one to uid, gid. `to`: keeps it open (O_PATH).
   */
  mkdir: {
    op: 21,
    fields: {
      dir: 'slot?',
      path: 'str',
      mode: 'u64',
      inRoot: 'bool?',
      parents: 'bool?',
      existOk: 'bool?',
      chown: 'bool?',
      uid: 'u64?',
      gid: 'u64?',
      to: 'slot?',
    },
  },
  /**
   * Writes `data` in one write(2). `flags`: O_* besides O_WRONLY|O_CLOEXEC|O_NOCTTY (default none: the file must
   * exist). `atomic`: writes to a temporary name beside it and renames. `resolve`: RESOLVE_*. `mode` is exact.
   */
  write: {
    op: 22,
    fields: {
      dir: 'slot?',
      path: 'str',
      data: 'bytes',
      flags: 'u64?',
      mode: 'u64?',
      atomic: 'bool?',
      resolve: 'u64?',
    },
  },
  /** Writes `data` to the fd in `slot` in one write(2). */
  writeFd: { op: 23, fields: { slot: 'slot', data: 'bytes' } },
  /** Reads at most `max` bytes of a file; the result goes back to the caller of the batch (host steps only). */
  read: { op: 24, fields: { dir: 'slot?', path: 'str', max: 'u64' } },
  /** Copies a (small, at most 4 KiB) file's content to another: the cpuset inheritance of cgroup v1. */
  copy: {
    op: 25,
    fields: { fromDir: 'slot?', fromPath: 'str', toDir: 'slot?', toPath: 'str', onlyIfEmpty: 'bool?' },
  },
  /** Removes a file. */
  unlink: { op: 26, fields: { dir: 'slot?', path: 'str' } },
  /** Removes an empty directory. */
  rmdir: { op: 27, fields: { dir: 'slot?', path: 'str' } },
  /** Renames within one directory. */
  rename: { op: 28, fields: { dir: 'slot?', path: 'str', newPath: 'str' } },
  /**
   * Makes a symlink `path` → `target`. `existOk`: EEXIST is no error; `replace`: whatever file is there goes first.
   * `ifExists`: only if this path exists (the default links of runtime-linux.md).
   */
  symlink: {
    op: 29,
    fields: {
      dir: 'slot?',
      path: 'str',
      target: 'str',
      inRoot: 'bool?',
      existOk: 'bool?',
      replace: 'bool?',
      ifExists: 'str?',
    },
  },
  /** Changes the owner of `path` (no symlink is followed); `recursive` is not offered. */
  chown: { op: 30, fields: { dir: 'slot?', path: 'str', uid: 'u64', gid: 'u64' } },
  /** Makes a listening SOCK_SEQPACKET unix socket `path` (mode 0600) into slot `to`. The directory is in `dir`. */
  listen: { op: 31, fields: { to: 'slot', dir: 'slot', path: 'str' } },
  /** flock(2) on the fd in `slot`, waiting at most `timeoutMs` (EWOULDBLOCK after that). */
  lock: { op: 32, fields: { slot: 'slot', timeoutMs: 'u64?' } },
  /**
   * Removes a whole tree: files, links, directories, by fds, never across a mount (EXDEV), never through a symlink.
   * Absent is no error.
   */
  removeTree: { op: 33, fields: { dir: 'slot?', path: 'str' } },
} as const
