/** Steps on cgroups: host steps, but for `joinCgroup`. */
export const CGROUP_STEPS = {
  /** Writes `0` to the cgroup.procs fd in `slot`: the process itself joins. */
  joinCgroup: { op: 40, fields: { slot: 'slot' } },
  /**
   * Removes the cgroup directory `path` and those below it, children first. EBUSY is tried again until `timeoutMs`
   * (with `kill`, everything in it is killed first and between tries). Absent is no error.
   */
  removeCgroup: { op: 41, fields: { dir: 'slot?', path: 'str', kill: 'bool?', timeoutMs: 'u64?' } },
  /**
   * Sends `signal` to every process in the cgroup and those below it. SIGKILL: `cgroup.kill` where there is one; else
   * freeze (if `freeze` names the freezer's state file), signal until empty of unsignalled ones, thaw always.
   */
  killCgroup: { op: 42, fields: { dir: 'slot?', path: 'str', signal: 'u64', freezer: 'str?' } },
  /**
   * Freezes or thaws and waits until the kernel says so (at most `timeoutMs`, ETIMEDOUT; a failed freeze is undone).
   * v2: `cgroup.freeze` and `cgroup.events`; v1: `freezer.state`.
   */
  freezeCgroup: {
    op: 43,
    fields: { dir: 'slot?', path: 'str', frozen: 'bool', v1: 'bool?', timeoutMs: 'u64?' },
  },
  /** Fails with EBUSY if the cgroup (or one below) has processes, EAGAIN if it is frozen. Absent is no error. */
  checkCgroupEmpty: { op: 44, fields: { dir: 'slot?', path: 'str', v1: 'bool?' } },
  /**
   * Loads a BPF_PROG_TYPE_CGROUP_DEVICE program (`insns`: 8 bytes each) and attaches it to the cgroup directory,
   * then detaches the older ones.
   */
  deviceBpf: { op: 45, fields: { dir: 'slot?', path: 'str', insns: 'bytes' } },
} as const
