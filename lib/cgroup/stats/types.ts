/**
 * What a container's cgroup has used. Counters begin when the cgroup is made. Numbers beyond 2⁵³ are rounded; a missing
 * limit is null, and what the kernel or the cgroup's version does not count is left out.
 */
export interface Stats {
  cpu?: CpuStats
  cpuset?: CpusetStats
  memory?: MemoryStats
  pids?: PidsStats
  io?: IoStats
  /** By page size, as the kernel writes it: `2MB`. */
  hugetlb?: Record<string, HugetlbStats>
  /** By device. */
  rdma?: Record<string, RdmaStats>
  /** By resource, as the kernel names it: `sev`, `tdx` … */
  misc?: Record<string, MiscStats>
  /**
   * Interfaces of the network namespace that its first process lives in. Left out if that is the one of the process that
   * asks: what they count would not be the container's.
   */
  network?: NetworkStats[]
}

/** CPU time in nanoseconds. */
export interface CpuStats {
  usageNs: number
  userNs: number
  systemNs: number
  /** At lowered priority, a part of `userNs`; cgroup v2 only (Linux 6.11). */
  niceNs?: number
  /** CPUs kept idle by core scheduling; cgroup v2 only. */
  forcedIdleNs?: number
  /** By CPU; cgroup v1 only. */
  perCpuNs?: number[]
  /** By CPU; cgroup v1 only. */
  perCpuUserNs?: number[]
  /** By CPU; cgroup v1 only. */
  perCpuSystemNs?: number[]
  throttling?: {
    /** Periods of the quota that have passed while it ran. */
    periods: number
    /** Those in which the quota was used up. */
    throttledPeriods: number
    /** Time that its CPUs had to wait. */
    throttledNs: number
  }
  bursts?: {
    /** Periods that used more than the quota. */
    periods: number
    burstNs: number
  }
  pressure?: Pressure
}

/** CPUs and memory nodes that may be used. */
export interface CpusetStats {
  cpus: number[]
  mems: number[]
  /** Settings of cpuset.*, by the kernel's names (`cpu_exclusive`, `memory_migrate` …); cgroup v1 only. */
  flags?: Record<string, number>
}

/** Bytes of one kind of memory. */
export interface MemoryUsage {
  usageBytes: number
  /** The most there has been. */
  maxUsageBytes?: number
  limitBytes: number | null
  /** How often the limit was hit. */
  failures?: number
}

/** Memory in bytes. */
export interface MemoryStats extends MemoryUsage {
  /** The page cache's part of it. */
  cacheBytes: number
  /** Swap alone. On v1 the limit is that of memory and swap together. */
  swap?: MemoryUsage
  /** Memory and swap together; cgroup v1 only. */
  memorySwap?: MemoryUsage
  /** Memory of the kernel for these processes; cgroup v1 only. */
  kernel?: MemoryUsage
  /** Memory of TCP buffers; cgroup v1 only. */
  kernelTcp?: MemoryUsage
  /** Compressed swap in memory; cgroup v2 only. */
  zswap?: MemoryUsage
  /** Processes killed because memory ran out. */
  oomKills?: number
  /** memory.events as it is: how often which limit was hit; cgroup v2 only. */
  events?: Record<string, number>
  /** memory.stat as it is: the kernel's names and units. */
  stat: Record<string, number>
  /** memory.numa_stat as it is, by name and then by node (`N0`) or `total`: in pages on cgroup v1, else the kernel's units. */
  numa?: Record<string, Record<string, number>>
  pressure?: Pressure
}

/** Tasks: processes and threads. */
export interface PidsStats {
  current: number
  limit: number | null
  /** The most there have been. */
  peak?: number
  /** How often the limit was hit. */
  failures?: number
}

/** A counter of one block device. */
export interface IoEntry {
  major: number
  minor: number
  /** As the kernel names it: `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`, on both versions; '' if it tells none apart. */
  op: string
  value: number
}

/** Block devices, since the cgroup was made. */
export interface IoStats {
  bytes: IoEntry[]
  operations: IoEntry[]
  /** Requests that wait now; cgroup v1 only, like all that follow but `devices`, and only of some schedulers. */
  queued?: IoEntry[]
  /** From the dispatch of requests to their end, in nanoseconds. */
  serviceTimeNs?: IoEntry[]
  /** In the scheduler's queues, in nanoseconds. */
  waitTimeNs?: IoEntry[]
  /** Requests merged into others. */
  merged?: IoEntry[]
  /** Time that devices were the cgroup's, in milliseconds. */
  timeMs?: IoEntry[]
  /** Sectors of 512 bytes. */
  sectors?: IoEntry[]
  /** io.stat as it is, by device (`8:0`): the kernel's names and units; cgroup v2 only. */
  devices?: Record<string, Record<string, number>>
  pressure?: Pressure
}

/** Huge pages of one size. */
export interface HugetlbStats {
  usageBytes: number
  /** cgroup v1 only. */
  maxUsageBytes?: number
  /** How often the limit was hit. */
  failures: number
}

/** Handles and objects of one RDMA device. */
export interface RdmaStats {
  handles: { current: number; limit: number | null }
  objects: { current: number; limit: number | null }
}

/** A resource of which the host has few (misc controller). */
export interface MiscStats {
  current: number
  limit: number | null
  /** The most there has been. */
  peak?: number
  /** How often the limit was hit. */
  failures?: number
}

/** One network interface, as seen from inside the container. */
export interface NetworkStats {
  name: string
  rxBytes: number
  rxPackets: number
  rxErrors: number
  rxDropped: number
  txBytes: number
  txPackets: number
  txErrors: number
  txDropped: number
}

/** How long tasks had to wait for a resource: pressure stall information. */
export interface Pressure {
  /** At least one task waited. */
  some: PressureTimes
  /** All tasks waited at once. */
  full?: PressureTimes
}

/** Shares of time in percent over the last 10, 60 and 300 s, and the total. */
export interface PressureTimes {
  avg10: number
  avg60: number
  avg300: number
  totalUs: number
}
