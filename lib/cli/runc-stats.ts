import { CPUSET_FLAGS } from '../cgroup/stats/common.ts'
import { parseStats, type Texts } from '../cgroup/stats/index.ts'
import type { IoEntry, MemoryUsage, Pressure, Stats } from '../cgroup/stats/types.ts'
import type { StatsTexts } from '../runtime/stats.ts'

type Exact = number | bigint

const MAX = 2n ** 64n - 1n

/** A number of the kernel without a loss; `max` is the highest there is; 0 if there is none. */
function exact(text: string | undefined): Exact {
  const trimmed = text?.trim() ?? ''
  if (trimmed === 'max') return MAX
  if (!/^\d+$/.test(trimmed)) return 0
  const value = Number(trimmed)
  return Number.isSafeInteger(value) ? value : BigInt(trimmed)
}

/** Without the members that Go leaves out: zeros, empty texts and lists, and what is missing. */
function omitEmpty<T extends object>(value: T): Partial<T> {
  const entries = Object.entries(value)
  return Object.fromEntries(entries.filter(([, one]) => !isEmpty(one))) as Partial<T>
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || value === 0 || (Array.isArray(value) && value.length === 0)
}

/** Maps are in the order of their keys. */
function sorted<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function psi(pressure: Pressure | undefined): object | undefined {
  if (pressure === undefined) return undefined
  const none = { avg10: 0, avg60: 0, avg300: 0, totalUs: 0 }
  const times = ({ avg10, avg60, avg300, totalUs } = none) => ({ avg10, avg60, avg300, total: totalUs })
  return { some: times(pressure.some), full: times(pressure.full) }
}

function memoryEntry(usage: MemoryUsage | undefined, limit: Exact): object {
  return {
    limit,
    ...omitEmpty({ usage: usage?.usageBytes, max: usage?.maxUsageBytes }),
    failcnt: usage?.failures ?? 0,
  }
}

function memoryV1({ memory }: Stats, texts: Texts): object {
  const entry = (usage: MemoryUsage | undefined, file: string) =>
    memoryEntry(usage, exact(texts[`${file}.limit_in_bytes`]))
  return {
    usage: entry(memory, 'memory'),
    swap: entry(memory?.memorySwap, 'memory.memsw'),
    kernel: entry(memory?.kernel, 'memory.kmem'),
    kernelTCP: entry(memory?.kernelTcp, 'memory.kmem.tcp'),
  }
}

/** Swap is told together with memory, as on v1. */
function memoryV2({ memory }: Stats, texts: Texts): object {
  const limit = exact(texts['memory.max'])
  const swapLimit = exact(texts['memory.swap.max'])
  const unlimited = limit === MAX || swapLimit === MAX
  const both = memory && {
    usageBytes: memory.usageBytes + (memory.swap?.usageBytes ?? 0),
    limitBytes: null,
    failures: memory.swap?.failures ?? 0,
  }
  return {
    usage: memoryEntry(memory, limit),
    swap: memoryEntry(both, unlimited ? MAX : Number(limit) + Number(swapLimit)),
    kernel: memoryEntry(undefined, 0),
    kernelTCP: memoryEntry(undefined, 0),
  }
}

function raw(text: string | undefined): Record<string, Exact> | undefined {
  const entries = (text ?? '').split('\n').flatMap((line) => {
    const [name, value] = line.split(' ')
    return name && value ? [[name, exact(value)] as const] : []
  })
  return entries.length > 0 ? sorted(entries) : undefined
}

function cpuset({ cpuset: set }: Stats, v2: boolean): object {
  // On cgroup v2 runc says nothing of it.
  const { cpus, mems, flags = {} } = v2 || set === undefined ? { cpus: [], mems: [] } : set
  const [first, ...others] = CPUSET_FLAGS
  return {
    ...omitEmpty({ cpus }),
    [first!]: flags[first!] ?? 0,
    ...omitEmpty({ mems }),
    ...Object.fromEntries(others.map((name) => [name, flags[name] ?? 0])),
  }
}

function blkio({ io }: Stats, v2: boolean): object {
  // Of v2's only these have a place in v1's tables.
  const table = (entries: readonly IoEntry[] = []) =>
    entries.filter(({ op }) => !v2 || op !== 'Discard').map((entry) => omitEmpty(entry))
  return omitEmpty({
    ioServiceBytesRecursive: table(io?.bytes),
    ioServicedRecursive: table(io?.operations),
    ioQueueRecursive: table(io?.queued),
    ioServiceTimeRecursive: table(io?.serviceTimeNs),
    ioWaitTimeRecursive: table(io?.waitTimeNs),
    ioMergedRecursive: table(io?.merged),
    ioTimeRecursive: table(io?.timeMs),
    sectorsRecursive: table(io?.sectors),
    psi: v2 ? psi(io?.pressure) : undefined,
  })
}

/**
 * What a container has used, as the `data` of runc's stats events: names, units, the order of members, and which of them
 * are left out. 64-bit numbers are exact.
 */
export function runcStats({ texts, hugePageSizes, mode }: StatsTexts): object {
  const v2 = mode === 'v2'
  const stats = parseStats(texts, hugePageSizes)
  const { cpu, memory, pids, hugetlb = {} } = stats
  const { throttling } = cpu ?? {}
  return {
    cpu: {
      usage: {
        ...omitEmpty({
          total: cpu?.usageNs,
          percpu: cpu?.perCpuNs,
          percpu_kernel: cpu?.perCpuSystemNs,
          percpu_user: cpu?.perCpuUserNs,
        }),
        kernel: cpu?.systemNs ?? 0,
        user: cpu?.userNs ?? 0,
      },
      throttling: omitEmpty({
        periods: throttling?.periods,
        throttledPeriods: throttling?.throttledPeriods,
        throttledTime: throttling?.throttledNs,
      }),
      ...omitEmpty({ psi: v2 ? psi(cpu?.pressure) : undefined }),
    },
    cpuset: cpuset(stats, v2),
    memory: {
      ...omitEmpty({ cache: memory?.cacheBytes }),
      ...(v2 ? memoryV2(stats, texts) : memoryV1(stats, texts)),
      ...omitEmpty({ raw: raw(texts['memory.stat']), psi: v2 ? psi(memory?.pressure) : undefined }),
    },
    pids: omitEmpty({ current: pids?.current, limit: pids?.limit ?? 0 }),
    blkio: blkio(stats, v2),
    hugetlb: sorted(
      Object.entries(hugetlb).map(([size, { usageBytes, maxUsageBytes, failures }]) => [
        size,
        { ...omitEmpty({ usage: usageBytes, max: maxUsageBytes }), failcnt: failures },
      ]),
    ),
    intel_rdt: {},
    network_interfaces: null,
  }
}
