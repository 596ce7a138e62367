import type { Step } from '../plan/steps.ts'

/** One cgroup v1 hierarchy of the host. */
export interface V1Hierarchy {
  /** Controllers mounted together (`cpu`, `cpuacct`), or empty for a named hierarchy. */
  controllers: readonly string[]
  /** `systemd` of `name=systemd`, for named hierarchies. */
  name?: string
  /** Where it is mounted, e.g. `/sys/fs/cgroup/memory`. */
  mountpoint: string
  /** The caller's own cgroup in it, absolute in the hierarchy (`/` at its root). */
  own: string
  /** Mounted with `noprefix`: the files of cpuset are named `cpus`, not `cpuset.cpus`. */
  noPrefix?: boolean
}

/** The cgroup v2 hierarchy of the host. */
export interface V2Hierarchy {
  mountpoint: string
  own: string
  /** Controllers in the root's cgroup.controllers. */
  controllers: readonly string[]
}

/** How this host's cgroups are mounted. `hybrid`: v1 controllers plus a v2 tree. */
export interface CgroupLayout {
  mode: 'v1' | 'hybrid' | 'v2' | 'none'
  v1: readonly V1Hierarchy[]
  v2: V2Hierarchy | null
}

/** The directories of one container's cgroup, absolute host paths. It is recorded in state.json. */
export interface CgroupLocation {
  mode: CgroupLayout['mode'] | 'disabled'
  v1: readonly { controllers: readonly string[]; name?: string; dir: string; mountpoint: string }[]
  v2: { dir: string; mountpoint: string } | null
}

/** Something in the resources that is not done as written, and why that is no error. */
export interface CgroupWarning {
  /** JSON pointer into config.json. */
  path: string
  message: string
}

/** How a process gets into a cgroup. */
export interface CgroupJoin {
  /** Opens each cgroup.procs (and, on v2, the directory) into slots from SLOT_RANGE.cgroups on. */
  open: Step[]
  /**
   * Slots of cgroup.procs fds: they are passed to init, which joins by each. They are always filled: where the cgroup
   * is missing and `optional`, by /dev/null.
   */
  joinSlots: number[]
  /** Slot of the v2 directory for CLONE_INTO_CGROUP, where the launch itself can join. */
  cloneSlot: number | null
  /** Joining may be forbidden (rootless, no cgroupsPath): EACCES and EPERM of `joinCgroup` are no failure. */
  optional: boolean
}

/** Host steps that make a cgroup ready, and how init gets in. */
export interface CgroupCreation extends CgroupJoin {
  /** Directories, checks of those that were there (not in use, not frozen), parents' controllers. */
  make: Step[]
  /** Limits, in an order that the kernel takes. */
  limits: Step[]
  /** To be logged. */
  warnings: CgroupWarning[]
}
