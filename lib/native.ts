/**
 * The one typed door to the addon. JavaScript validates before it crosses; the addon does, and reports numbers.
 * Everything here is internal to the library; `oci-ts/primitives` is the public face of the same machinery.
 */
import { loadAddon } from './addon.ts'

/** Why a step failed. `text` comes from the interpreter, and is short. */
export interface NativeFailure {
  /** Index of the step in its plan. */
  step: number
  /** A positive errno. */
  errno: number
  /** Name of the system call, or ''. */
  syscall: string
  text: string
}

/** What a batch of host steps came to. */
export interface NativeRunResult {
  /** The step that ended the batch, or null: all were carried out. */
  failure: NativeFailure | null
  /** The fds asked for by `keep`, in its order (-1: that slot is empty). They now belong to the caller. */
  fds: number[]
  /** Results of the `read` steps, in their order. */
  reads: Uint8Array[]
  /** Pid (in the caller's pid namespace) of the process made by the last `spawn`, or 0. */
  pid: number
  /** Nanoseconds (CLOCK_MONOTONIC) at the begin of the batch and at the end of each step; empty unless PLAN_TRACE is set. */
  times: Float64Array
}

/** The report page of a launched program. */
export interface NativeReport {
  step: number
  /** 0: the plan itself; 1: the tail that replaced its rest. */
  part: number
  errno: number
  syscall: string
  /** Begin, then the end of each step, in nanoseconds of CLOCK_MONOTONIC; empty unless PLAN_TRACE is set. */
  times: Float64Array
}

/** How a process ended. */
export interface NativeExit {
  /** false: still running. */
  exited: boolean
  /** Exit code, or null. */
  code: number | null
  /** Number of the signal that ended it, or null. */
  signal: number | null
  /** The status could not be learned: not our child, and a kernel without PIDFD_INFO_EXIT. */
  unknown: boolean
}

/** One datagram with its fds, which belong to the caller. `null`: nothing there now. `data` of length 0: end of file. */
export interface NativeDatagram {
  data: Uint8Array
  fds: number[]
}

/** A poll(2) watch of one fd in the event loop. The fd stays the caller's and must outlive the watch. */
export interface NativePoll {
  close(): void
  ref(): void
  unref(): void
}

/** Facts of this kernel and process, found out once. */
export interface NativeFacts {
  euid: number
  egid: number
  /** Effective capabilities as a mask. */
  effectiveCaps: bigint
  capLastCap: number
  /** Kernel release as numbers. */
  kernel: [major: number, minor: number]
  mountSetattr: boolean
  cloneIntoCgroup: boolean
  timeNamespace: boolean
  pidfdInfoExit: boolean
  /** In the initial user namespace (by its inode). */
  initialUserNamespace: boolean
  apparmor: boolean
  selinux: boolean
  /** f_type of /sys/fs/cgroup is cgroup2's. */
  cgroup2: boolean
}

/** What seccomp.ts hands to libseccomp. */
export interface NativeSeccompProfile {
  defaultAction: number
  /** Native names of libseccomp architectures as tokens (SCMP_ARCH_*). */
  architectures: number[]
  /** Each rule: syscall name, action word, comparisons as [arg, op, datumA, datumB]. */
  rules: { name: string; action: number; args: [number, number, bigint, bigint][] }[]
  /** SECCOMP_FILTER_FLAG_*-like attributes that libseccomp must know of (log, ssb, wait-killable, tsync). */
  log: boolean
  /** Errno for syscalls newer than the newest that the profile names; 0: no prelude. */
  enosys: boolean
}

/** The addon's exports. */
export interface Native {
  /** Hash of the step table that the addon was built with. */
  readonly abi: number
  readonly version: string
  facts(): NativeFacts
  /**
   * Carries out host steps on a worker thread. `plan`: encoded. `slots`: pairs of slot and fd, lent for the run.
   * `keep`: slots whose fds the caller takes over; all others are closed. Rejects only if the plan is malformed or
   * the environment goes away. If the batch fails, `keep` still applies.
   */
  run(plan: Uint8Array, slots: readonly number[], keep: readonly number[]): Promise<NativeRunResult>
  report(fd: number): NativeReport
  /** events: 1 readable, 2 writable, 4 disconnected (POLLRDHUP/HUP), 8 urgent (POLLPRI). The callback gets a negative errno or the events. */
  poll(fd: number, events: number, callback: (events: number) => void): NativePoll
  /** recvmsg without blocking. */
  recv(fd: number): NativeDatagram | null
  /** sendmsg without blocking (MSG_NOSIGNAL). Returns 0 or a positive errno. */
  send(fd: number, data: Uint8Array, fds: readonly number[]): number
  /** Connects to the SOCK_SEQPACKET socket `name` in the directory `dirFd` (through /proc/self/fd). A fd, or -errno. */
  connect(dirFd: number, name: string): number
  /** Connects a SOCK_STREAM unix socket by path (any length). A fd, or -errno. */
  connectStream(path: string): number
  /** Connects a SOCK_DGRAM unix socket by path (any length), or by `@name` in the abstract namespace. A fd, or -errno. */
  connectDatagram(path: string): number
  /** Makes the SOCK_DGRAM socket `name` (mode 0777) in the directory `dirFd`, in place of an old one. A fd, or -errno. */
  bindDatagram(dirFd: number, name: string): number
  /** socketpair, pipes: [a, b], CLOEXEC. */
  pipe(): [read: number, write: number]
  /** A sealed memfd with this content. */
  memfd(name: string, data: Uint8Array): number
  /** A counter (eventfd(2)) of 0 that does not block. */
  eventfd(): number
  close(fd: number): void
  dup(fd: number): number
  /** Sets O_NONBLOCK. 0 or a positive errno. */
  setNonblock(fd: number): number
  /** pidfd_open(2): a fd, or -errno. */
  pidfdOpen(pid: number): number
  /** 0 or a positive errno. */
  pidfdSignal(pidfd: number, signal: number): number
  /** Reaps if it is our child; else asks PIDFD_GET_INFO. */
  pidfdExit(pidfd: number): NativeExit
  /** Makes this process the parent of its descendants' orphans, for good. 0 or a positive errno. */
  becomeSubreaper(): number
  /** Reaps this child if it has ended. */
  reap(pid: number): boolean
  /** TIOCSWINSZ / TIOCGWINSZ. */
  setWinsize(fd: number, rows: number, columns: number): number
  getWinsize(fd: number): [rows: number, columns: number] | null
  /** Passes everything through the terminal as it is (cfmakeraw). Its settings before, for `setTerminal`, or null. */
  rawTerminal(fd: number): Uint8Array | null
  /** 0 or a positive errno. */
  setTerminal(fd: number, settings: Uint8Array): number
  /** Compiles by libseccomp (dlopen) on a worker thread: sock_filter[]. Rejects with a text. */
  seccompCompile(profile: NativeSeccompProfile): Promise<Uint8Array>
  /** libseccomp's version, or null where it is missing. */
  seccompVersion(): string | null
  /** Name of an errno ('ENOENT'), for messages. */
  errnoName(errno: number): string
}

/** The addon, loaded on first use. */
export function native(): Native {
  return loadAddon()
}
