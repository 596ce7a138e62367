/**
 * Slots: numbered fd registers of an interpreter. Steps name them; each program (a host batch, an init plan) has its
 * own 1024. These are the ones with a fixed meaning.
 */
export const SLOT = {
  /** The container's root directory. */
  root: 0,
  /** The private, verified procfs. */
  proc: 1,
  /** The listening socket that `start` connects to. */
  start: 2,
  /** The caller's console socket. */
  consoleSocket: 3,
  /** The state directory (host). */
  state: 4,
  /** pidfd of the launched process (host). */
  pidfd: 5,
  /** Socket to init (host). */
  socket: 6,
  /** Plan memfd with the report page (host). */
  report: 7,
  /** Standard streams handed to the process (host). */
  stdin: 8,
  stdout: 9,
  stderr: 10,
  /** The state directory's lock (host). */
  lock: 11,
  /** pidfd of a process to join (exec). */
  target: 12,
  /** The v2 cgroup directory (host). */
  cgroup: 13,
  /** pids.max of the container's cgroup. */
  pidsMax: 14,
} as const

/** First slot of each numbered range. */
export const SLOT_RANGE = {
  /** cgroup.procs fds, one per hierarchy (32). */
  cgroups: 32,
  /** Namespaces to join, one per type (16). */
  namespaces: 64,
  /** Fds that the process keeps as 3, 4, … (128). */
  preserved: 96,
  /** Pre-opened mount trees, and mounts kept for later attribute changes (to the end of the table). */
  mounts: 256,
} as const
