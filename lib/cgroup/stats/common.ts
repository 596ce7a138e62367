import { defined, keyed, limitOf, numberList, single, type Texts } from './text.ts'
import type { CpuStats, CpusetStats, MemoryStats, MemoryUsage } from './types.ts'

/** What the versions count in units, or files, of their own. */
interface CpuTimes extends Pick<CpuStats, 'usageNs' | 'userNs' | 'systemNs'> {
  niceNs?: number | undefined
  forcedIdleNs?: number | undefined
  throttledNs: number | undefined
  burstNs: number | undefined
  perCpuNs?: readonly number[]
  perCpu?: readonly { user: number; system: number }[]
}

/** CPU time. `stat`: cpu.stat, whose counts of periods both versions have. */
export function cpuStats(stat: Record<string, number>, times: CpuTimes): CpuStats {
  const { usageNs, userNs, systemNs, throttledNs = 0, burstNs = 0, perCpu = [], perCpuNs = [] } = times
  const { nr_periods, nr_throttled = 0, nr_bursts } = stat
  return defined<CpuStats>({
    usageNs,
    userNs,
    systemNs,
    niceNs: times.niceNs,
    forcedIdleNs: times.forcedIdleNs,
    perCpuNs: perCpuNs.length > 0 ? [...perCpuNs] : undefined,
    perCpuUserNs: perCpu.length > 0 ? perCpu.map(({ user }) => user) : undefined,
    perCpuSystemNs: perCpu.length > 0 ? perCpu.map(({ system }) => system) : undefined,
    throttling:
      nr_periods === undefined
        ? undefined
        : { periods: nr_periods, throttledPeriods: nr_throttled, throttledNs },
    bursts: nr_bursts === undefined ? undefined : { periods: nr_bursts, burstNs },
  })
}

/** Settings of a v1 cpuset that are numbers. */
export const CPUSET_FLAGS: readonly string[] = [
  'cpu_exclusive',
  'mem_hardwall',
  'mem_exclusive',
  'memory_migrate',
  'memory_spread_page',
  'memory_spread_slab',
  'memory_pressure',
  'sched_load_balance',
  'sched_relax_domain_level',
]

/** CPUs and nodes. `suffix`: of the files' names. */
export function cpusetStats(texts: Texts, suffix: string): CpusetStats | undefined {
  const cpus = numberList(texts[`cpuset.cpus${suffix}`])
  if (cpus.length === 0) return undefined
  const flags = CPUSET_FLAGS.flatMap((name) => {
    const text = texts[`cpuset.${name}`]?.trim()
    return text ? [[name, Number(text)] as const] : []
  })
  return defined<CpusetStats>({
    cpus,
    mems: numberList(texts[`cpuset.mems${suffix}`]),
    flags: flags.length > 0 ? Object.fromEntries(flags) : undefined,
  })
}

/** One kind of memory, by the names of its files. Undefined if it is not counted. */
export function memoryUsage(
  texts: Texts,
  files: { usage: string; max: string; limit: string },
  failures: number | undefined,
): MemoryUsage | undefined {
  const usageBytes = single(texts[files.usage])
  if (usageBytes === undefined) return undefined
  return defined<MemoryUsage>({
    usageBytes,
    maxUsageBytes: single(texts[files.max]),
    limitBytes: limitOf(texts[files.limit]),
    failures,
  })
}

/** All memory. `kinds`: what is counted besides. */
export function memoryStats(
  texts: Texts,
  memory: MemoryUsage,
  names: { cache: string; oom: string },
  kinds: { [K in 'swap' | 'memorySwap' | 'kernel' | 'kernelTcp' | 'zswap']?: MemoryUsage | undefined },
): MemoryStats {
  const stat = keyed(texts['memory.stat'])
  return defined<MemoryStats>({
    ...memory,
    ...kinds,
    cacheBytes: stat[names.cache] ?? 0,
    oomKills: keyed(texts[names.oom]).oom_kill,
    events: texts['memory.events'] ? keyed(texts['memory.events']) : undefined,
    stat,
    numa: numa(texts['memory.numa_stat']),
  })
}

/** `name N0=1 N1=2` on v2, `name=3 N0=1 N1=2` on v1. */
function numa(text: string | undefined): Record<string, Record<string, number>> | undefined {
  const rows = (text ?? '').split('\n').flatMap((line) => {
    const [first, ...pairs] = line.split(' ')
    // Some kernels have lines of another form.
    if (!first || pairs.length === 0 || !pairs.every((pair) => /^N\d+=\d+$/.test(pair))) return []
    const [name, total] = first.split('=')
    const nodes = pairs.map((pair) => pair.split('='))
    if (total !== undefined) nodes.unshift(['total', total])
    return [[name!, Object.fromEntries(nodes.map(([node, value]) => [node, Number(value)]))] as const]
  })
  return rows.length > 0 ? Object.fromEntries(rows) : undefined
}
