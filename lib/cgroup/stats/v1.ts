import { CPUSET_FLAGS, cpuStats, memoryStats, memoryUsage } from './common.ts'
import { defined, keyed, single, type Texts } from './text.ts'
import type { CpuStats, HugetlbStats, IoEntry, IoStats, MemoryStats, MemoryUsage } from './types.ts'

/** Tables of block devices, with the names of their files. */
const IO_TABLES = [
  ['bytes', 'io_service_bytes'],
  ['operations', 'io_serviced'],
  ['queued', 'io_queued'],
  ['serviceTimeNs', 'io_service_time'],
  ['waitTimeNs', 'io_wait_time'],
  ['merged', 'io_merged'],
  ['timeMs', 'time'],
  ['sectors', 'sectors'],
] as const

/** Files of each v1 controller that stats come from. */
export const V1_FILES: Readonly<Record<string, readonly string[]>> = {
  cpu: ['cpu.stat'],
  cpuacct: ['', '_user', '_sys', '_percpu', '_all'].map((name) => `cpuacct.usage${name}`),
  cpuset: ['cpus', 'mems', ...CPUSET_FLAGS].map((name) => `cpuset.${name}`),
  memory: [
    'memory.stat',
    'memory.oom_control',
    'memory.numa_stat',
    ...['memory', 'memory.memsw', 'memory.kmem', 'memory.kmem.tcp'].flatMap((prefix) =>
      ['usage_in_bytes', 'max_usage_in_bytes', 'failcnt', 'limit_in_bytes'].map(
        (name) => `${prefix}.${name}`,
      ),
    ),
  ],
  pids: ['pids.current', 'pids.max', 'pids.peak', 'pids.events'],
  blkio: [
    ...['', 'bfq.'].flatMap((prefix) => IO_TABLES.map(([, name]) => `blkio.${prefix}${name}_recursive`)),
    ...['_recursive', ''].flatMap((suffix) =>
      ['io_service_bytes', 'io_serviced'].map((name) => `blkio.throttle.${name}${suffix}`),
    ),
  ],
  misc: ['misc.current', 'misc.max', 'misc.events'],
  rdma: ['rdma.current', 'rdma.max'],
}

/** Files of the v1 hugetlb controller for a page size. */
export function hugetlbFilesV1(size: string): string[] {
  return ['.rsvd', ''].flatMap((kind) =>
    ['usage_in_bytes', 'max_usage_in_bytes', 'failcnt'].map((name) => `hugetlb.${size}${kind}.${name}`),
  )
}

/** CPU time from cpuacct, throttling from cpu. */
export function cpuV1(texts: Texts): CpuStats | undefined {
  const usageNs = single(texts['cpuacct.usage'])
  const stat = keyed(texts['cpu.stat'])
  // The v2 file of this name has the usage as well.
  if (usageNs === undefined && (stat.nr_periods === undefined || stat.usage_usec !== undefined))
    return undefined
  const perCpu = (texts['cpuacct.usage_all'] ?? '').split('\n').flatMap((line) => {
    const match = /^\d+ (\d+) (\d+)$/.exec(line)
    return match ? [{ user: Number(match[1]), system: Number(match[2]) }] : []
  })
  return cpuStats(stat, {
    usageNs: usageNs ?? 0,
    userNs: single(texts['cpuacct.usage_user']) ?? 0,
    systemNs: single(texts['cpuacct.usage_sys']) ?? 0,
    throttledNs: stat.throttled_time,
    burstNs: stat.burst_time,
    perCpuNs: (texts['cpuacct.usage_percpu'] ?? '').split(/\s+/).filter(Boolean).map(Number),
    perCpu,
  })
}

function usage(texts: Texts, prefix: string): MemoryUsage | undefined {
  const files = {
    usage: `${prefix}.usage_in_bytes`,
    max: `${prefix}.max_usage_in_bytes`,
    limit: `${prefix}.limit_in_bytes`,
  }
  return memoryUsage(texts, files, single(texts[`${prefix}.failcnt`]))
}

/** Memory, with what the kernel counts of swap and its own. */
export function memoryV1(texts: Texts): MemoryStats | undefined {
  const memory = usage(texts, 'memory')
  if (!memory) return undefined
  const memorySwap = usage(texts, 'memory.memsw')
  const names = { cache: 'cache', oom: 'memory.oom_control' }
  return memoryStats(texts, memory, names, {
    swap: memorySwap && {
      usageBytes: Math.max(0, memorySwap.usageBytes - memory.usageBytes),
      limitBytes: memorySwap.limitBytes,
      failures: Math.max(0, (memorySwap.failures ?? 0) - (memory.failures ?? 0)),
    },
    memorySwap,
    kernel: usage(texts, 'memory.kmem'),
    kernelTcp: usage(texts, 'memory.kmem.tcp'),
  })
}

function entries(text: string | undefined): IoEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line)
    if (!match) return []
    const [, major, minor, op = '', value] = match
    return [{ major: Number(major), minor: Number(minor), op, value: Number(value) }]
  })
}

/** What there is for block devices, as BFQ counts it, CFQ, or the throttle layer. */
export function ioV1(texts: Texts): IoStats | undefined {
  for (const [prefix, suffix] of [
    ['bfq.', '_recursive'],
    ['', '_recursive'],
    ['throttle.', '_recursive'],
    // Before Linux 5.0.
    ['throttle.', ''],
  ]) {
    const read = (name: string) => entries(texts[`blkio.${prefix}${name}${suffix}`])
    const bytes = read('io_service_bytes')
    // A scheduler that no device uses counts nothing.
    if (bytes.length === 0) continue
    const tables = IO_TABLES.map(([key, name]) => [key, read(name)] as const)
    return {
      ...Object.fromEntries(tables.filter(([, table]) => table.length > 0)),
      bytes,
      operations: read('io_serviced'),
    }
  }
  const known = ['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_service_bytes']
  return known.some((name) => texts[name]) ? { bytes: [], operations: [] } : undefined
}

/** Huge pages of a size: reservations where the kernel counts them (5.7). */
export function hugetlbV1(texts: Texts, size: string): HugetlbStats | undefined {
  for (const prefix of [`hugetlb.${size}.rsvd`, `hugetlb.${size}`]) {
    const usageBytes = single(texts[`${prefix}.usage_in_bytes`])
    if (usageBytes === undefined) continue
    return defined<HugetlbStats>({
      usageBytes,
      maxUsageBytes: single(texts[`${prefix}.max_usage_in_bytes`]),
      failures: single(texts[`${prefix}.failcnt`]) ?? 0,
    })
  }
  return undefined
}
