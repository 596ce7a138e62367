import type { Step } from '../../plan/steps.ts'
import { ERRNO } from '../constants.ts'
import { controllerDir } from '../limits.ts'
import type { CgroupLayout, CgroupLocation } from '../types.ts'
import { cpusetStats } from './common.ts'
import { network } from './network.ts'
import { defined, keyed, limitOf, pressure, single, type Texts } from './text.ts'
import type { IoStats, MemoryStats, MiscStats, PidsStats, RdmaStats, Stats } from './types.ts'
import { cpuV1, hugetlbFilesV1, hugetlbV1, ioV1, memoryV1, V1_FILES } from './v1.ts'
import { cpuV2, hugetlbFilesV2, hugetlbV2, ioV2, memoryV2, PRESSURE_FILES, V2_FILES } from './v2.ts'

export type { Texts } from './text.ts'
export type * from './types.ts'

/** A file that stats come from. */
export interface StatsFile {
  /** Its name: the key of its text in `parseStats`. */
  name: string
  /** Absolute path on the host. */
  path: string
}

/** The key, in `Texts`, of the text of /proc/PID/net/dev. */
export const NETWORK = 'net/dev'

/** Most bytes of a stats file: io.stat and blkio have a few lines for each block device. */
const MAX_SIZE = 256 * 1024

/**
 * The files that a container's stats come from; some of them are not there on every kernel.
 *
 * @param hugePageSizes as `hugePageSize` writes them
 */
export function statsFiles(
  location: CgroupLocation,
  layout: CgroupLayout,
  hugePageSizes: readonly string[],
): StatsFile[] {
  const files: StatsFile[] = []
  const add = (dir: string, names: readonly string[], without = '') => {
    for (const name of names) files.push({ name, path: `${dir}/${name.slice(without.length)}` })
  }
  for (const { controllers, dir } of location.v1) {
    const noPrefix = layout.v1.find((one) => one.controllers.includes('cpuset'))?.noPrefix === true
    for (const controller of controllers) {
      add(
        dir,
        controller === 'hugetlb' ? hugePageSizes.flatMap(hugetlbFilesV1) : (V1_FILES[controller] ?? []),
        controller === 'cpuset' && noPrefix ? 'cpuset.' : '',
      )
    }
  }
  const { v2 } = location
  if (!v2) return files
  if (location.mode === 'v2') add(v2.dir, V2_FILES[''] ?? [])
  for (const controller of layout.v2?.controllers ?? []) {
    if (controllerDir(location, layout, controller === 'io' ? 'blkio' : controller)?.version !== 2) continue
    add(
      v2.dir,
      controller === 'hugetlb' ? hugePageSizes.flatMap(hugetlbFilesV2) : (V2_FILES[controller] ?? []),
    )
  }
  add(v2.dir, PRESSURE_FILES)
  return files
}

/** Reads each file, in their order. One that is missing reads as nothing. */
export function statsSteps(files: readonly StatsFile[]): Step[] {
  return files.map(({ path }) => ({
    op: 'read',
    path,
    max: MAX_SIZE,
    ignore: [ERRNO.ENOENT, ERRNO.ENODEV, ERRNO.EOPNOTSUPP],
  }))
}

/**
 * What a container has used, from the texts of `statsFiles`. What has no text is left out.
 *
 * @param hugePageSizes the same as for `statsFiles`
 */
export function parseStats(texts: Texts, hugePageSizes: readonly string[] = []): Stats {
  const memory = memoryV1(texts) ?? memoryV2(texts)
  const io = ioV1(texts) ?? ioV2(texts)
  const cpu = cpuV1(texts) ?? cpuV2(texts)
  const pressures = {
    cpu: pressure(texts['cpu.pressure']),
    memory: pressure(texts['memory.pressure']),
    io: pressure(texts['io.pressure']),
  }
  return defined<Stats>({
    cpu: cpu && pressures.cpu ? { ...cpu, pressure: pressures.cpu } : cpu,
    cpuset: cpusetStats(texts, '') ?? cpusetStats(texts, '.effective'),
    memory: withPressure<MemoryStats>(memory, pressures.memory),
    pids: pids(texts),
    io: withPressure<IoStats>(io, pressures.io),
    hugetlb: byKey(hugePageSizes, (size) => hugetlbV1(texts, size) ?? hugetlbV2(texts, size)),
    rdma: rdma(texts),
    misc: misc(texts),
    network: network(texts[NETWORK]),
  })
}

function withPressure<T extends MemoryStats | IoStats>(
  stats: T | undefined,
  found: T['pressure'],
): T | undefined {
  return stats && found ? { ...stats, pressure: found } : stats
}

/** A record of what there is something for; undefined if that is nothing. */
function byKey<T>(
  keys: readonly string[],
  value: (key: string) => T | undefined,
): Record<string, T> | undefined {
  const found = keys.flatMap((key) => {
    const entry = value(key)
    return entry === undefined ? [] : [[key, entry] as const]
  })
  return found.length > 0 ? Object.fromEntries(found) : undefined
}

function pids(texts: Texts): PidsStats | undefined {
  const current = single(texts['pids.current'])
  if (current !== undefined) {
    return defined<PidsStats>({
      current,
      limit: limitOf(texts['pids.max']),
      peak: single(texts['pids.peak']),
      failures: keyed(texts['pids.events']).max,
    })
  }
  // Without the controller at least the processes can be counted, or the threads of a threaded cgroup.
  const tasks = texts['cgroup.procs'] || texts['cgroup.threads']
  return tasks ? { current: tasks.split('\n').filter(Boolean).length, limit: null } : undefined
}

function misc(texts: Texts): Record<string, MiscStats> | undefined {
  const current = keyed(texts['misc.current'])
  const [limits, peaks, events] = ['max', 'peak', 'events'].map((name) => keyed(texts[`misc.${name}`]))
  return byKey(Object.keys(current), (name) =>
    defined<MiscStats>({
      current: current[name]!,
      // The word `max`.
      limit: Number.isNaN(limits![name] ?? Number.NaN) ? null : limits![name]!,
      peak: peaks![name],
      failures: events![`${name}.max`],
    }),
  )
}

const RDMA_LINE = /^(\S+) hca_handle=(\S+) hca_object=(\S+)$/gm

function rdma(texts: Texts): Record<string, RdmaStats> | undefined {
  const read = (text: string | undefined) =>
    new Map(
      [...(text ?? '').matchAll(RDMA_LINE)].map(([, device, handles, objects]) => [
        device!,
        { handles: single(handles) ?? null, objects: single(objects) ?? null },
      ]),
    )
  const limits = read(texts['rdma.max'])
  const current = read(texts['rdma.current'])
  return byKey([...current.keys()], (device) => {
    const used = current.get(device)!
    const limit = limits.get(device)
    return {
      handles: { current: used.handles ?? 0, limit: limit?.handles ?? null },
      objects: { current: used.objects ?? 0, limit: limit?.objects ?? null },
    }
  })
}
