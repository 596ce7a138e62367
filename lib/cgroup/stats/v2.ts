import { cpuStats, memoryStats, memoryUsage } from './common.ts'
import { keyed, single, type Texts } from './text.ts'
import type { CpuStats, HugetlbStats, IoEntry, IoStats, MemoryStats, MemoryUsage } from './types.ts'

/** Files of each v2 controller that stats come from. CPU time is counted without one. */
export const V2_FILES: Readonly<Record<string, readonly string[]>> = {
  '': ['cpu.stat', 'cgroup.procs', 'cgroup.threads'],
  cpuset: ['cpuset.cpus.effective', 'cpuset.mems.effective'],
  memory: [
    'memory.stat',
    'memory.events',
    'memory.numa_stat',
    ...['memory', 'memory.swap', 'memory.zswap'].flatMap((prefix) =>
      ['current', 'peak', 'max'].map((name) => `${prefix}.${name}`),
    ),
    'memory.swap.events',
  ],
  pids: ['pids.current', 'pids.max', 'pids.peak', 'pids.events'],
  io: ['io.stat'],
  misc: ['misc.current', 'misc.max', 'misc.peak', 'misc.events'],
  rdma: ['rdma.current', 'rdma.max'],
}

/** Pressure files, which are there without a controller, also beside v1. */
export const PRESSURE_FILES: readonly string[] = ['cpu.pressure', 'memory.pressure', 'io.pressure']

/** Files of the v2 hugetlb controller for a page size. */
export function hugetlbFilesV2(size: string): string[] {
  return [`hugetlb.${size}.rsvd.current`, `hugetlb.${size}.current`, `hugetlb.${size}.events`]
}

/** CPU time. */
export function cpuV2(texts: Texts): CpuStats | undefined {
  const stat = keyed(texts['cpu.stat'])
  if (stat.usage_usec === undefined) return undefined
  const ns = (us: number | undefined) => (us ?? 0) * 1000
  return cpuStats(stat, {
    usageNs: ns(stat.usage_usec),
    userNs: ns(stat.user_usec),
    systemNs: ns(stat.system_usec),
    niceNs: stat.nice_usec === undefined ? undefined : ns(stat.nice_usec),
    forcedIdleNs:
      stat['core_sched.force_idle_usec'] === undefined ? undefined : ns(stat['core_sched.force_idle_usec']),
    throttledNs: ns(stat.throttled_usec),
    burstNs: ns(stat.burst_usec),
  })
}

function usage(texts: Texts, prefix: string): MemoryUsage | undefined {
  const files = { usage: `${prefix}.current`, max: `${prefix}.peak`, limit: `${prefix}.max` }
  return memoryUsage(texts, files, keyed(texts[`${prefix}.events`]).max)
}

/** Memory and swap. */
export function memoryV2(texts: Texts): MemoryStats | undefined {
  const memory = usage(texts, 'memory')
  if (!memory) return undefined
  const names = { cache: 'file', oom: 'memory.events' }
  return memoryStats(texts, memory, names, {
    swap: usage(texts, 'memory.swap'),
    zswap: usage(texts, 'memory.zswap'),
  })
}

const OPS = [
  ['rbytes', 'Read', 'bytes'],
  ['wbytes', 'Write', 'bytes'],
  ['dbytes', 'Discard', 'bytes'],
  ['rios', 'Read', 'operations'],
  ['wios', 'Write', 'operations'],
  ['dios', 'Discard', 'operations'],
] as const

/** Bytes and operations by device. */
export function ioV2(texts: Texts): IoStats | undefined {
  const text = texts['io.stat']
  if (text === undefined) return undefined
  const result = {
    bytes: [] as IoEntry[],
    operations: [] as IoEntry[],
    devices: {} as Record<string, Record<string, number>>,
  }
  for (const line of text.split('\n')) {
    const match = /^(\d+):(\d+) (.*)$/.exec(line)
    if (!match) continue
    const pairs = match[3]!.split(' ').filter((pair) => pair.includes('='))
    const values = new Map(pairs.map((pair) => pair.split('=', 2) as [string, string]))
    result.devices[`${match[1]}:${match[2]}`] = Object.fromEntries(
      [...values].map(([key, value]) => [key, Number(value)]),
    )
    for (const [key, op, list] of OPS) {
      const value = values.get(key)
      if (value === undefined) continue
      result[list].push({ major: Number(match[1]), minor: Number(match[2]), op, value: Number(value) })
    }
  }
  return result
}

/** Huge pages of a size: reservations where the kernel counts them (5.7). */
export function hugetlbV2(texts: Texts, size: string): HugetlbStats | undefined {
  const usageBytes = single(texts[`hugetlb.${size}.rsvd.current`]) ?? single(texts[`hugetlb.${size}.current`])
  if (usageBytes === undefined) return undefined
  return { usageBytes, failures: keyed(texts[`hugetlb.${size}.events`]).max ?? 0 }
}
