import { defined, keyed, limitOf, numberList, single, type Texts } from './text.ts'
import type { CpuStats, CpusetStats, MemoryStats, MemoryUsage } from './types.ts'

/** What the versions count in units, or files, of their own. */
interface CpuTimes extends Pick<CpuStats, 'usageNs' | 'userNs' | 'systemNs'> {
  throttledNs: number | undefined
  burstNs: number | undefined
  perCpu?: readonly { user: number; system: number }[]
}

/** CPU time. `stat`: cpu.stat, whose counts of periods both versions have. */
export function cpuStats(stat: Record<string, number>, times: CpuTimes): CpuStats {
  const { usageNs, userNs, systemNs, throttledNs = 0, burstNs = 0, perCpu = [] } = times
  const { nr_periods, nr_throttled = 0, nr_bursts } = stat
  return defined<CpuStats>({
    usageNs,
    userNs,
    systemNs,
    perCpuUserNs: perCpu.length > 0 ? perCpu.map(({ user }) => user) : undefined,
    perCpuSystemNs: perCpu.length > 0 ? perCpu.map(({ system }) => system) : undefined,
    throttling:
      nr_periods === undefined
        ? undefined
        : { periods: nr_periods, throttledPeriods: nr_throttled, throttledNs },
    bursts: nr_bursts === undefined ? undefined : { periods: nr_bursts, burstNs },
  })
}

/** CPUs and nodes. `suffix`: of the files' names. */
export function cpusetStats(texts: Texts, suffix: string): CpusetStats | undefined {
  const cpus = numberList(texts[`cpuset.cpus${suffix}`])
  return cpus.length > 0 ? { cpus, mems: numberList(texts[`cpuset.mems${suffix}`]) } : undefined
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
  kinds: { [K in 'swap' | 'memorySwap' | 'kernel' | 'kernelTcp']?: MemoryUsage | undefined },
): MemoryStats {
  const stat = keyed(texts['memory.stat'])
  return defined<MemoryStats>({
    ...memory,
    ...kinds,
    cacheBytes: stat[names.cache] ?? 0,
    oomKills: keyed(texts[names.oom]).oom_kill,
    stat,
  })
}
