/** Steps that only the addon's worker thread carries out. */
export const HOST_STEPS = {
  /**
   * Launches the init program with `plan` (encoded): clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | flags) and execveat
   * from the sealed memfd. `cgroup`: the v2 directory to be born in (CLONE_INTO_CGROUP). Standard streams come from
   * slots (none: /dev/null). `pass`: pairs of host slot and init slot. Results: the pidfd, the socket to init and the
   * plan memfd (whose first page is the report) in slots `pidfd`, `socket`, `report`.
   */
  spawn: {
    op: 140,
    fields: {
      plan: 'bytes',
      flags: 'u64',
      cgroup: 'slot?',
      stdin: 'slot?',
      stdout: 'slot?',
      stderr: 'slot?',
      pass: 'u64s?',
      pidfd: 'slot',
      socket: 'slot',
      report: 'slot',
    },
  },
  /** Opens a pidfd for `pid` into slot `to` and checks its start time (field 22 of /proc/PID/stat; 0: unchecked): ESRCH if it is another process. */
  openPidfd: { op: 141, fields: { to: 'slot', pid: 'u64', startTime: 'u64?' } },
  /** pidfd_send_signal(2). */
  signal: { op: 142, fields: { pidfd: 'slot', signal: 'u64' } },
  /** Waits until the process of the pidfd has ended, at most `timeoutMs` (ETIMEDOUT). Does not reap. */
  waitPidfd: { op: 143, fields: { pidfd: 'slot', timeoutMs: 'u64' } },
  /** Sends a `go` message on the socket in `slot`. */
  sendGo: { op: 144, fields: { slot: 'slot' } },
  /** pipe2(O_CLOEXEC) into slots `read` and `write`; `size`: F_SETPIPE_SZ (0: leave). */
  pipe: { op: 145, fields: { read: 'slot', write: 'slot', size: 'u64?' } },
} as const
