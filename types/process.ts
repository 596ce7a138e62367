import type { Int32, Uint32, Uint64 } from './numbers.ts'

/** The size of a terminal, in characters. */
export interface ConsoleSize {
  /** Number of rows (`ws_row`). */
  height: Uint64
  /** Number of columns (`ws_col`). */
  width: Uint64
}

/** Ids that a process runs with. */
export interface User {
  /** User id inside the container. */
  uid: Uint32
  /** Group id inside the container. */
  gid: Uint32
  /** File mode creation mask (umask(2)), a number from 0 to 511 (0o777). Without it, 0o022. */
  umask?: Uint32
  /** Supplementary group ids inside the container (setgroups(2)). */
  additionalGids?: Uint32[]
  /**
   * Name of the user on Windows; ignored.
   *
   * @opaque
   */
  username?: string
}

/**
 * The capability sets of a process, by the names of capabilities(7): `CAP_KILL`. A name that is not known, or that can't
 * be granted, is left out with a warning.
 */
export interface Capabilities {
  /** Limit of what can ever be gained by executing a file. */
  bounding?: string[]
  /** Those that the kernel checks. */
  effective?: string[]
  /** Those kept across an execve(2) of a file that is marked so. Best left empty. */
  inheritable?: string[]
  /** Limit of the effective set. */
  permitted?: string[]
  /** Those kept across an execve(2) of an unmarked file; must be both permitted and inheritable. */
  ambient?: string[]
}

/** A resource limit of a process (setrlimit(2)). */
export interface Rlimit {
  /** Name of the resource: `RLIMIT_NOFILE`. Each at most once. */
  type: string
  /** Ceiling of the soft limit, in the unit of the resource; 2⁶⁴-1 is no limit (`RLIM_INFINITY`). */
  hard: Uint64
  /** Limit that the kernel enforces, in the unit of the resource; 2⁶⁴-1 is no limit. Not above {@link hard}. */
  soft: Uint64
}

/** Name of a scheduling policy (sched(7)). */
export type SchedulerPolicy =
  | 'SCHED_OTHER'
  | 'SCHED_FIFO'
  | 'SCHED_RR'
  | 'SCHED_BATCH'
  | 'SCHED_ISO'
  | 'SCHED_IDLE'
  | 'SCHED_DEADLINE'

/** Name of a flag of sched_setattr(2). */
export type SchedulerFlag =
  | 'SCHED_FLAG_RESET_ON_FORK'
  | 'SCHED_FLAG_RECLAIM'
  | 'SCHED_FLAG_DL_OVERRUN'
  | 'SCHED_FLAG_KEEP_POLICY'
  | 'SCHED_FLAG_KEEP_PARAMS'
  | 'SCHED_FLAG_UTIL_CLAMP_MIN'
  | 'SCHED_FLAG_UTIL_CLAMP_MAX'

/** How the kernel schedules a process (sched_setattr(2)). */
export interface Scheduler {
  /** The policy. */
  policy: SchedulerPolicy
  /** Nice value, from -20 (most favoured) to 19; for `SCHED_OTHER` and `SCHED_BATCH`. Without it, 0. */
  nice?: Int32
  /** Static priority, from 1 to 99 (highest); for `SCHED_FIFO` and `SCHED_RR` only. Without it, 0. */
  priority?: Int32
  /** Flags of the call. */
  flags?: SchedulerFlag[]
  /** CPU time granted in each period, in nanoseconds; for `SCHED_DEADLINE` only. Without it, 0. */
  runtime?: Uint64
  /** Time from the start of a period by which the runtime is to be granted, in nanoseconds; `SCHED_DEADLINE` only. */
  deadline?: Uint64
  /** Length of a period, in nanoseconds; for `SCHED_DEADLINE` only. 0 means the deadline. */
  period?: Uint64
}

/** Name of an I/O scheduling class (ioprio_set(2)). */
export type IoPriorityClass = 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'

/** I/O priority of a process group (ioprio_set(2)). */
export interface IoPriority {
  /** The scheduling class: real time, best effort or idle. */
  class: IoPriorityClass
  /**
   * Priority within the class, from 0 (highest) to 7. Without it, 0.
   *
   * @asType integer
   * @minimum 0
   * @maximum 7
   */
  priority?: number
}

/** On which CPUs an additional process of a container runs (sched_setaffinity(2)). Not used for its first process. */
export interface ExecCpuAffinity {
  /**
   * CPUs before the process joins the container's cgroup, as a list of numbers and ranges: `0-3,7`.
   *
   * @pattern ^[0-9, -]*$
   */
  initial?: string
  /**
   * CPUs after the process has joined the container's cgroup, as a list. Without it, the kernel decides.
   *
   * @pattern ^[0-9, -]*$
   */
  final?: string
}

/** A process in a container: the first one, or one that is added by exec. */
export interface Process {
  /** Whether stdin, stdout and stderr are a pseudo-terminal. Without it, false. */
  terminal?: boolean
  /** Size of the terminal; ignored without one. */
  consoleSize?: ConsoleSize
  /** Ids to run with. Without it, uid 0 and gid 0. */
  user?: User
  /**
   * The argument vector. The first entry is the program: a path, or a name that is looked up in the `PATH` of
   * {@link env} inside the container (execvp(3)).
   *
   * @minItems 1
   */
  args: string[]
  /**
   * Command line on Windows; ignored.
   *
   * @opaque
   */
  commandLine?: string
  /** The whole environment, as `NAME=value`; of several values of one name the last counts. */
  env?: string[]
  /** Working directory: an absolute path inside the container. It is made where it is missing. */
  cwd: string
  /** Capability sets. Without it, every set is empty. */
  capabilities?: Capabilities
  /** Resource limits; what is not listed is inherited. */
  rlimits?: Rlimit[]
  /** Whether executing a file can never give more rights (`PR_SET_NO_NEW_PRIVS`). Without it, false. */
  noNewPrivileges?: boolean
  /** Name of the AppArmor profile to confine the process with. */
  apparmorProfile?: string
  /**
   * Adjustment of the kernel's choice of a victim when memory runs out (`/proc/PID/oom_score_adj`), from -1000 (never)
   * to 1000. Without it, the value is inherited.
   *
   * @asType integer
   * @minimum -1000
   * @maximum 1000
   */
  oomScoreAdj?: number
  /** How the kernel schedules the process. */
  scheduler?: Scheduler
  /** SELinux context of the process. */
  selinuxLabel?: string
  /** I/O priority. */
  ioPriority?: IoPriority
  /** CPUs of an additional process. */
  execCPUAffinity?: ExecCpuAffinity
}
