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
}

/** CPU time in nanoseconds. */
export interface CpuStats {
  usageNs: number
  userNs: number
  systemNs: number
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
  /** Processes killed because memory ran out. */
  oomKills?: number
  /** memory.stat as it is: the kernel's names and units. */
  stat: Record<string, number>
  pressure?: Pressure
}

/** Tasks: processes and threads. */
export interface PidsStats {
  current: number
  limit: number | null
}

/** A counter of one block device. */
export interface IoEntry {
  major: number
  minor: number
  /** As the kernel names it: `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`, on both versions. */
  op: string
  value: number
}

/** Block devices, since the cgroup was made. */
export interface IoStats {
  bytes: IoEntry[]
  operations: IoEntry[]
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
