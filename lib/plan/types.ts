import type { Config, Process } from '../../types/index.ts'
import type { CgroupCreation, CgroupLayout, CgroupLocation } from '../cgroup/types.ts'
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
  /** The caller's own namespaces, by type: `pid:[4026531836]`, to see whether a path joins the host's. */
  namespaces: Readonly<Record<string, string>>
}

/** Everything that the plan of a new container depends on. */
export interface CreateInput {
  id: string
  config: Config
  /** Absolute path of the bundle. */
  bundle: string
  host: HostFacts
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

/** How a plan is launched. */
export interface Launch {
  /** Host steps before the spawn: open namespaces, sources, verify. */
  host: Step[]
  /** The init program's steps. */
  init: Step[]
  /** CLONE_NEW* flags of the launching clone. */
  flags: number
  /** Pairs of host slot and init slot. */
  pass: [host: number, init: number][]
  /** id maps for the `map` sync, or null. */
  maps: IdMaps | null
  /** Index in `init` at which the tail (everything after waitStart) begins; -1 without one. */
  tail: number
}

/** Contents of uid_map, gid_map (one entry a line) and what must be written before. */
export interface IdMaps {
  uid: readonly { containerID: number; hostID: number; size: number }[]
  gid: readonly { containerID: number; hostID: number; size: number }[]
  /** Write `deny` to setgroups first (an unprivileged single-id map). */
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
}

/** What the plan of a process in a running container depends on. */
export interface ExecInput extends Omit<TailInput, 'startHooks'> {
  /** Namespaces of the target that differ from the caller's: CLONE_NEW* flags to join by its pidfd. */
  joinFlags: number
  /** Join the target's root by SLOT_RANGE… (opened /proc/PID/root), for containers without pivot_root. */
  joinRoot: boolean
  /** Slots of cgroup.procs fds, and of the v2 directory. */
  cgroup: Pick<CgroupCreation, 'open' | 'joinSlots' | 'cloneSlot'> | null
  consoleSocket: boolean
}
