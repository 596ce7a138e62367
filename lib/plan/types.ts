import type { Config, Process } from '../../types/index.ts'
import type { CgroupCreation, CgroupJoin, CgroupLayout, CgroupLocation } from '../cgroup/types.ts'
import type { Encodable } from './encode.ts'
import type { Step } from './steps.ts'

/** What a planner must know of the host: facts gathered once by the runtime, never by a planner. */
export interface HostFacts {
  euid: number
  egid: number
  capLastCap: number
  /** Effective capabilities of the caller as a mask. */
  effectiveCaps: bigint
  kernel: readonly [major: number, minor: number]
  /** mount_setattr(2) is there (5.12). */
  mountSetattr: boolean
  /** CLONE_INTO_CGROUP works (5.7). */
  cloneIntoCgroup: boolean
  timeNamespace: boolean
  initialUserNamespace: boolean
  apparmor: boolean
  selinux: boolean
  cgroup: CgroupLayout
  /** The caller's own namespaces, by type: what readlink(2) of /proc/self/ns/… tells (`pid:[4026531836]`). */
  namespaces: Readonly<Record<string, string>>
}

/** Everything that the plan of a new container depends on. */
export interface CreateInput {
  id: string
  config: Config
  /** Absolute path of the bundle. */
  bundle: string
  /** Absolute path of the root directory, symlinks resolved. Without it, `root.path` taken from the bundle. */
  rootfs?: string | undefined
  host: HostFacts
  /**
   * What readlink(2) tells of each namespace path in the config (`net:[4026531840]`), by path; one that can't be read is
   * left out. A path that is the caller's own namespace counts as inherited: nothing is joined, and nothing that would
   * change the host (host name, sysctl) is allowed.
   */
  namespaceIds?: Readonly<Record<string, string>> | undefined
  /** The container's cgroup, or null (disabled). */
  cgroup: { location: CgroupLocation; creation: CgroupCreation } | null
  /** Compiled seccomp filter (sock_filter[]) with its SECCOMP_FILTER_FLAG_* bits, if the process has one. */
  seccomp: { filter: Uint8Array; flags: number } | null
  /** chroot + MS_MOVE instead of pivot_root. */
  noPivot: boolean
  /** Leave the session keyring alone. */
  noNewKeyring: boolean
  /** How many fds (host slots SLOT_RANGE.preserved + i) the process keeps as 3, 4, … */
  preserveFds: number
  /** The pty master goes to the console socket in SLOT.consoleSocket, rather than to the parent. */
  consoleSocket: boolean
  /** LISTEN_FDS etc. are in use: set LISTEN_PID. */
  listenPid: boolean
}

/** Something in the config that is not done as written, and why that is no error. */
export interface PlanWarning {
  /** JSON pointer into config.json. */
  path: string
  message: string
}

/** How a plan is launched. */
export interface Launch {
  /**
   * Host steps right before the spawn: they open namespaces and the like. The cgroup's own steps (`make`, `limits`,
   * `open`) are not in it and come before.
   */
  host: Step[]
  /** The init program's steps. */
  init: Step[]
  /** `init` once more, with what is encoded already, where that is at hand. */
  encodable?: Encodable | undefined
  /** CLONE_NEW* flags of the launching clone. */
  flags: number
  /**
   * Pairs of host slot and init slot. All of these host slots must be filled at the spawn: by `host`, by the cgroup's
   * `open`, and by the runtime: SLOT.start (create), SLOT.consoleSocket (with `consoleSocket`), SLOT_RANGE.preserved + i
   * (with `preserveFds`), SLOT.target (exec), SLOT.root (exec with `joinRoot`).
   */
  pass: [host: number, init: number][]
  /** Host slot of the v2 cgroup to be born in (`spawn.cgroup`), or null: init joins by itself. */
  cgroup: number | null
  /**
   * Init joins the cgroup on its way, by itself, when the parent's `go` says that it is made: the cgroup's steps run
   * beside init's rather than before it.
   */
  joinsLater: boolean
  /** id maps for the `map` sync, or null. */
  maps: IdMaps | null
  /**
   * Index in `init` at which the tail (everything after waitStart) begins; -1 without one: exec, or a config without
   * `process`, where `start` must bring a tail.
   */
  tail: number
  /** To be logged; those of the cgroup's resources (CgroupCreation.warnings) are not among them. */
  warnings: PlanWarning[]
}

/** Contents of uid_map, gid_map (one entry a line) and what must be written before. */
export interface IdMaps {
  uid: readonly { containerID: number; hostID: number; size: number }[]
  gid: readonly { containerID: number; hostID: number; size: number }[]
  /**
   * Write `deny` to setgroups first (an unprivileged single-id map). The container's later tails and execs need to know
   * (`setgroupsDenied`).
   */
  denySetgroups: boolean
  /** By newuidmap and newgidmap, since the caller may not write them itself. */
  helpers: boolean
}

/** What the tail (limits, LSM, ids, capabilities, seccomp, hooks, exec) depends on; shared by create, start and exec. */
export interface TailInput {
  process: Process
  config: Config
  id: string
  bundle: string
  host: HostFacts
  seccomp: CreateInput['seccomp']
  preserveFds: number
  listenPid: boolean
  /** Run the config's startContainer hooks (not for exec). */
  startHooks: boolean
  /** The container has a user namespace whose setgroups is denied. */
  setgroupsDenied: boolean
  /**
   * Look the program up in the tail. true for a tail that brings its own process (`start` with a process, exec); false
   * in the plan of create, which has looked it up before.
   */
  lookup: boolean
}

/** What the plan of a process in a running container depends on. */
export interface ExecInput extends Omit<TailInput, 'startHooks' | 'lookup'> {
  /**
   * Namespaces of the target that differ from the caller's: CLONE_NEW* flags to join by its pidfd, which is in host slot
   * SLOT.target (verified by its start time).
   */
  joinFlags: number
  /**
   * Join the target's root by host slot SLOT.root (/proc/PID/root, opened with O_PATH), for containers without
   * pivot_root.
   */
  joinRoot: boolean
  /** How it gets into the container's cgroup, or null (disabled). */
  cgroup: CgroupJoin | null
  consoleSocket: boolean
  /** Leave the session keyring alone. */
  noNewKeyring: boolean
}
