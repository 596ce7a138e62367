/** Steps on the process's own attributes and namespaces. */
export const PROCESS_STEPS = {
  /** unshare(2): CLONE_NEW* flags. */
  unshare: { op: 60, fields: { flags: 'u64' } },
  /** setns(2) with the fd in `slot`; `type` is the CLONE_NEW* it must be (or, for a pidfd, all of them). */
  setns: { op: 61, fields: { slot: 'slot', type: 'u64' } },
  /** setsid(2). */
  setsid: { op: 62, fields: {} },
  /**
   * Joins a new session keyring of this name, with search permission for its possessor. `mayFail`: that it is forbidden
   * (EPERM) or would be one key too many (EDQUOT) is a warning.
   */
  keyring: { op: 63, fields: { name: 'str', mayFail: 'bool?' } },
  /** prctl(PR_SET_DUMPABLE). */
  dumpable: { op: 64, fields: { on: 'bool' } },
  /** umask(2). */
  umask: { op: 65, fields: { mask: 'u64' } },
  /**
   * chdir(2). `create`: makes it (0755, parents too) if missing. `check`: verifies by raw getcwd(2) afterwards that
   * the directory is inside the root (ENOENT or a text that it is outside). `noFail`: EACCES/EPERM is left to a later
   * try, when the ids are changed. `retry` is that try: it changes the directory only if the last `noFail` one could
   * not (so that a user may keep a directory that only root can enter); `check` is done in any case.
   */
  chdir: {
    op: 66,
    fields: { path: 'str', create: 'bool?', check: 'bool?', noFail: 'bool?', retry: 'bool?' },
  },
  /** fchdir(2), and with `chroot` also chroot("."). */
  fchdir: { op: 67, fields: { slot: 'slot', chroot: 'bool?' } },
  /**
   * setgroups(2) (unless `keepGroups`), setresgid(2), setresuid(2). `keepCaps`: PR_SET_KEEPCAPS around it. EINVAL means an id that is
   * not mapped.
   */
  setIds: {
    op: 68,
    fields: { uid: 'u64', gid: 'u64', groups: 'u64s?', keepGroups: 'bool?', keepCaps: 'bool?' },
  },
  /** Drops every capability above or outside `mask` from the bounding set (needs CAP_SETPCAP, so before the ids). */
  boundingCaps: { op: 69, fields: { mask: 'u64' } },
  /** capset(2), then the ambient set: cleared, and `ambient` raised. Bits above cap_last_cap are left out. */
  caps: { op: 70, fields: { effective: 'u64', permitted: 'u64', inheritable: 'u64', ambient: 'u64' } },
  /** PR_SET_NO_NEW_PRIVS. */
  noNewPrivs: { op: 71, fields: {} },
  /**
   * prlimit(2) on itself. `raise`: only lifts the hard limit to `hard` if it is lower (an early step, while still
   * privileged); the exact values come in the tail. `lower`: only brings the soft limit down to `soft` if it is
   * higher; the hard one stays as it is, whatever `hard` says. RLIM_INFINITY: 2^64-1.
   */
  rlimit: { op: 72, fields: { resource: 'u64', soft: 'u64', hard: 'u64', raise: 'bool?', lower: 'bool?' } },
  /** Writes oom_score_adj through the procfs in slot `proc` (or /proc of the host, before anything is joined). */
  oomScoreAdj: { op: 73, fields: { proc: 'slot?', value: 'i64' } },
  /** sched_setattr(2). */
  scheduler: {
    op: 74,
    fields: {
      policy: 'u64',
      flags: 'u64?',
      nice: 'i64?',
      priority: 'u64?',
      runtime: 'u64?',
      deadline: 'u64?',
      period: 'u64?',
    },
  },
  /** ioprio_set(2) for the process group: class << 13 | priority. */
  ioPriority: { op: 75, fields: { value: 'u64' } },
  /** personality(2). */
  personality: { op: 76, fields: { persona: 'u64' } },
  /** sched_setaffinity(2): a bit mask of CPUs; empty: all that the kernel allows. */
  affinity: { op: 77, fields: { mask: 'bytes?' } },
  /**
   * Writes the label for the next exec through the verified procfs in `proc`: `attr/<lsm>/exec`, falling back to
   * `attr/exec`.
   */
  lsmLabel: { op: 78, fields: { proc: 'slot', lsm: 'str', value: 'str' } },
  /** seccomp(SECCOMP_SET_MODE_FILTER): `flags` SECCOMP_FILTER_FLAG_*, `filter`: sock_filter[] (8 bytes each). */
  seccomp: { op: 79, fields: { flags: 'u64', filter: 'bytes' } },
  /** sethostname(2). */
  hostname: { op: 80, fields: { name: 'str' } },
  /** setdomainname(2). */
  domainname: { op: 81, fields: { name: 'str' } },
  /** Brings the network namespace's `lo` up. */
  loopback: { op: 82, fields: {} },
  /** Sends SIGKILL to this process when its parent dies (PR_SET_PDEATHSIG); 0 clears it. */
  parentDeathSignal: { op: 83, fields: { signal: 'u64' } },
  /** Gives stdin, stdout and stderr (pipes, sockets and files; not devices) to uid. EPERM and EROFS are no error. */
  chownStdio: { op: 84, fields: { uid: 'u64' } },
  /** Writes the time namespace's offsets: `clock` is CLOCK_MONOTONIC or CLOCK_BOOTTIME. */
  timeOffset: { op: 85, fields: { clock: 'u64', secs: 'i64', nanosecs: 'u64' } },
  /** Sets the task's comm (15 bytes). */
  comm: { op: 86, fields: { name: 'str' } },
  /** set_mempolicy(2). `mode` includes the MPOL_F_* flags; `nodes`: a bit mask. */
  memoryPolicy: { op: 87, fields: { mode: 'u64', nodes: 'bytes?' } },
} as const
