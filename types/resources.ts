import type { Int64, Uint16, Uint32, Uint64 } from './numbers.ts'

/** A rule of the device controller: which devices may be made, read and written. */
export interface DeviceRule {
  /** Whether the access is allowed or denied. */
  allow: boolean
  /** Kind of device: `a` any, `c` character, `b` block. Without it, any. */
  type?: string
  /** Major number; without it, or -1, any. */
  major?: Int64
  /** Minor number; without it, or -1, any. */
  minor?: Int64
  /** Kinds of access, a mix of `r` read, `w` write and `m` mknod. Without it, all three. */
  access?: string
}

/** Limits of the memory controller. Limits are bytes; -1 is no limit. */
export interface Memory {
  /** Most memory that may be used, in bytes (`memory.limit_in_bytes`, `memory.max`). */
  limit?: Int64
  /** Memory that is left when the host runs short, in bytes (`memory.soft_limit_in_bytes`, `memory.low`). */
  reservation?: Int64
  /** Most memory and swap together, in bytes; not below {@link limit} (`memory.memsw.limit_in_bytes`). */
  swap?: Int64
  /**
   * Most kernel memory, in bytes.
   *
   * @deprecated not recommended by the runtime-spec, gone from the kernel; ignored with a warning
   */
  kernel?: Int64
  /**
   * Most kernel memory for TCP buffers, in bytes.
   *
   * @deprecated not recommended by the runtime-spec; ignored with a warning
   */
  kernelTCP?: Int64
  /** How readily memory is swapped out, from 0 to 100 (`memory.swappiness`; cgroup v1 only). */
  swappiness?: Uint64
  /** Whether tasks wait, rather than get killed, when memory runs out (`memory.oom_control`; cgroup v1 only). */
  disableOOMKiller?: boolean
  /** Whether children count towards this cgroup's limits (`memory.use_hierarchy`; cgroup v1 only). */
  useHierarchy?: boolean
  /** Whether an update to a limit below the present usage is refused. */
  checkBeforeUpdate?: boolean
}

/** Limits of the cpu and cpuset controllers. Times are microseconds. */
export interface Cpu {
  /** Relative weight against other cgroups, from 2 to 262144; 0 leaves it alone (`cpu.shares`, `cpu.weight`). */
  shares?: Uint64
  /** CPU time granted in each {@link period}, in microseconds; 0 leaves it alone, -1 is no limit. */
  quota?: Int64
  /** CPU time that may be saved up beyond the quota, in microseconds; not above the {@link quota}. */
  burst?: Uint64
  /** Length of a period, in microseconds; from 1000 to 1000000, or 0 to leave it alone. */
  period?: Uint64
  /** Real-time CPU time granted in each {@link realtimePeriod}, in microseconds (cgroup v1 only). */
  realtimeRuntime?: Int64
  /** Length of a real-time period, in microseconds (cgroup v1 only). */
  realtimePeriod?: Uint64
  /** CPUs to run on, as a list of numbers and ranges: `0-3,7` (`cpuset.cpus`). */
  cpus?: string
  /** Memory nodes to use, as a list of numbers and ranges: `0-3,7` (`cpuset.mems`). */
  mems?: string
  /** 1: run only when no one else wants to (`SCHED_IDLE`); 0: as usual (`cpu.idle`). */
  idle?: Int64
}

/** Limit of the pids controller. */
export interface Pids {
  /** Most tasks (processes and threads) in the container; 0 is a limit, -1 is none (`pids.max`). */
  limit?: Int64
}

/** Weights of one block device. At least one of the two is given. */
export interface WeightDevice {
  /** Major number of the device. */
  major: Int64
  /** Minor number of the device. */
  minor: Int64
  /** Relative weight for this device, from 10 to 1000. */
  weight?: Uint16
  /** The same against the cgroup's own children, from 10 to 1000 (CFQ, cgroup v1 only). */
  leafWeight?: Uint16
}

/** A limit of one block device. */
export interface ThrottleDevice {
  /** Major number of the device. */
  major: Int64
  /** Minor number of the device. */
  minor: Int64
  /** Most bytes, or operations, a second; 0 is no limit. */
  rate: Uint64
}

/** Limits of the block I/O controller. */
export interface BlockIo {
  /** Relative weight against other cgroups, from 10 to 1000; 0 leaves it alone (`blkio.weight`, `io.weight`). */
  weight?: Uint16
  /** The same against the cgroup's own children, from 10 to 1000 (CFQ, cgroup v1 only). */
  leafWeight?: Uint16
  /** Weights by device. */
  weightDevice?: WeightDevice[]
  /** Most bytes read a second, by device. */
  throttleReadBpsDevice?: ThrottleDevice[]
  /** Most bytes written a second, by device. */
  throttleWriteBpsDevice?: ThrottleDevice[]
  /** Most reads a second, by device. */
  throttleReadIOPSDevice?: ThrottleDevice[]
  /** Most writes a second, by device. */
  throttleWriteIOPSDevice?: ThrottleDevice[]
}

/** A limit of one size of huge pages. */
export interface HugepageLimit {
  /**
   * Size of the pages, as the kernel writes it in the names of its files: `64KB`, `2MB`, `1GB`. Units are powers of 1024.
   *
   * @pattern ^[1-9][0-9]*[KMG]B$
   */
  pageSize: string
  /** Most memory in pages of that size, in bytes. */
  limit: Uint64
}

/** Priority of the container's traffic on one network interface. */
export interface InterfacePriority {
  /** Name of the interface, in the runtime's network namespace. */
  name: string
  /** The priority. */
  priority: Uint32
}

/** Marks of the net_cls and net_prio controllers (cgroup v1 only). */
export interface Network {
  /** Class that the container's packets are tagged with (`net_cls.classid`). */
  classID?: Uint32
  /** Priorities by interface (`net_prio.ifpriomap`). */
  priorities?: InterfacePriority[]
}

/** Limits of one RDMA device. At least one of the two is given. */
export interface Rdma {
  /** Most handles to open. Without it, no limit. */
  hcaHandles?: Uint32
  /** Most objects to make. Without it, no limit. */
  hcaObjects?: Uint32
}

/** What the container's processes may use together: the settings of its cgroup. */
export interface Resources {
  /** Which devices may be used: applied in order, the last match wins. */
  devices?: DeviceRule[]
  /** Memory. */
  memory?: Memory
  /** CPU time and CPUs. */
  cpu?: Cpu
  /** Number of tasks. */
  pids?: Pids
  /** Block devices. */
  blockIO?: BlockIo
  /** Huge pages. */
  hugepageLimits?: HugepageLimit[]
  /** Marks on network packets. */
  network?: Network
  /** RDMA, by the name of the device: `mlx5_1`. */
  rdma?: Record<string, Rdma>
  /** Text for files of the cgroup, by their name: `memory.high` (cgroup v2 only). Written last. */
  unified?: Record<string, string>
}
