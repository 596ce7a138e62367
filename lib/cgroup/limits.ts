import type { Resources } from '../../types/index.ts'
import { cpuset } from './common/cpuset.ts'
import { hugetlb } from './common/hugetlb.ts'
import { pids } from './common/pids.ts'
import { rdma } from './common/rdma.ts'
import { LimitPlan, nonZero, unsupportedLimit } from './limit-plan.ts'
import type { CgroupLayout, CgroupLocation } from './types.ts'
import { blkioV1 } from './v1/blkio.ts'
import { cpuV1 } from './v1/cpu.ts'
import { memoryV1 } from './v1/memory.ts'
import { netClsV1, netPrioV1 } from './v1/network.ts'
import { cpuV2 } from './v2/cpu.ts'
import { ioV2 } from './v2/io.ts'
import { memoryV2 } from './v2/memory.ts'
import { unified } from './v2/unified.ts'

/** What the writes depend on beside the resources. */
export interface LimitContext {
  /** The resources in force, for an update whose values need others that it does not give. */
  current?: Resources | undefined
  /** Sizes of huge pages that the kernel has, as `hugePageSize` writes them. */
  hugePageSizes?: readonly string[] | undefined
}

/** Where a container's directory of a controller is. */
export interface ControllerDir {
  version: 1 | 2
  dir: string
}

/** Names of controllers on v2 that v1 has under another. */
const V2_NAMES: Readonly<Record<string, string>> = { blkio: 'io' }

/** The directory by which a controller is set, or null: this host, or this container, has none. */
export function controllerDir(
  location: CgroupLocation,
  layout: CgroupLayout,
  controller: string,
): ControllerDir | null {
  const v1 = location.v1.find(({ controllers }) => controllers.includes(controller))
  if (v1) return { version: 1, dir: v1.dir }
  if (!location.v2 || !layout.v2?.controllers.includes(V2_NAMES[controller] ?? controller)) return null
  return { version: 2, dir: location.v2.dir }
}

/**
 * The controllers (by their v1 names) that resources have something for, each with a pointer to it. Values that leave
 * everything as it is don't count.
 */
export function neededControllers(resources: Resources): Map<string, string> {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma } = resources
  const needed = new Map<string, string>()
  const need = (controller: string, from: string, value: unknown) => {
    if (value !== undefined && value !== null && value !== '' && value !== false) needed.set(controller, from)
  }
  for (const name of ['reservation', 'swap', 'limit'] as const) {
    need('memory', `memory/${name}`, nonZero(memory?.[name]))
  }
  for (const name of ['realtimeRuntime', 'realtimePeriod', 'period', 'quota', 'shares'] as const) {
    need('cpu', `cpu/${name}`, nonZero(cpu?.[name]))
  }
  need('cpu', 'cpu/burst', cpu?.burst)
  need('cpu', 'cpu/idle', cpu?.idle)
  need('cpuset', 'cpu/mems', cpu?.mems)
  need('cpuset', 'cpu/cpus', cpu?.cpus)
  need('pids', 'pids/limit', pids?.limit)
  for (const [name, value] of Object.entries(blockIO ?? {})) {
    const given = Array.isArray(value) ? value[0] : nonZero(value)
    need('blkio', `blockIO/${name}`, given)
  }
  need('hugetlb', 'hugepageLimits/0', hugepageLimits?.[0])
  need('net_cls', 'network/classID', nonZero(network?.classID))
  need('net_prio', 'network/priorities/0', network?.priorities?.[0])
  need('rdma', 'rdma', Object.keys(rdma ?? {})[0])
  return needed
}

/** Settings that v2 has no means for and that are then ignored with a warning, not refused. */
const V1_ONLY: readonly string[] = ['net_cls', 'net_prio']

/**
 * The writes that set resources (all but the devices), in an order that the kernel takes.
 *
 * @throws OciError for a limit whose controller is missing, and for values that have no meaning here
 */
export function limitSteps(
  location: CgroupLocation,
  layout: CgroupLayout,
  resources: Resources,
  context: LimitContext = {},
): LimitPlan {
  const out = new LimitPlan()
  const { current, hugePageSizes } = context
  const at = (controller: string) => controllerDir(location, layout, controller)
  for (const [controller, from] of neededControllers(resources)) {
    if (at(controller)) continue
    if (!V1_ONLY.includes(controller) || location.mode !== 'v2') throw missing(controller, from, location)
    out.warn(from, `cgroup v2 has no ${controller}: ignored`)
  }
  const each = <T>(
    controller: string,
    value: T | undefined,
    v1: (dir: string, value: T) => void,
    v2: (dir: string, value: T) => void,
  ) => {
    const found = value === undefined ? null : at(controller)
    if (found !== null) (found.version === 1 ? v1 : v2)(found.dir, value as T)
  }
  const both = <T>(controller: string, value: T | undefined, write: (dir: string, value: T) => void) =>
    each(controller, value, write, write)
  const { memory, cpu, blockIO, hugepageLimits, network } = resources
  both('pids', resources.pids, (dir, value) => pids(out, dir, value))
  each(
    'memory',
    memory,
    (dir, value) => memoryV1(out, dir, value),
    (dir, value) => memoryV2(out, dir, value, current?.memory?.limit),
  )
  each(
    'blkio',
    blockIO,
    (dir, value) => blkioV1(out, dir, value),
    (dir, value) => ioV2(out, dir, value),
  )
  each(
    'cpu',
    cpu,
    (dir, value) => cpuV1(out, dir, value),
    (dir, value) => cpuV2(out, dir, value, current?.cpu?.quota),
  )
  both('cpuset', cpu, (dir, value) => cpuset(out, dir, value, cpusetPrefix(layout)))
  each(
    'hugetlb',
    hugepageLimits,
    (dir, value) => hugetlb(out, dir, value, 'limit_in_bytes', hugePageSizes),
    (dir, value) => hugetlb(out, dir, value, 'max', hugePageSizes),
  )
  both('net_cls', network, (dir, value) => netClsV1(out, dir, value))
  both('net_prio', network, (dir, value) => netPrioV1(out, dir, value))
  both('rdma', resources.rdma, (dir, value) => rdma(out, dir, value))
  const files = resources.unified ?? {}
  if (Object.keys(files).length > 0) {
    if (!location.v2) throw unsupportedLimit('unified', 'cgroup v2 is not mounted on this host')
    unified(out, location.v2.dir, files, layout.v2?.controllers ?? [])
  }
  return out
}

/** What the names of a v1 cpuset's files begin with. */
export function cpusetPrefix(layout: CgroupLayout): string {
  const hierarchy = layout.v1.find(({ controllers }) => controllers.includes('cpuset'))
  return hierarchy?.noPrefix ? '' : 'cpuset.'
}

function missing(controller: string, from: string, { mode }: CgroupLocation) {
  const name = mode === 'v2' ? (V2_NAMES[controller] ?? controller) : controller
  if (mode === 'disabled') {
    return unsupportedLimit(from, 'a container without a cgroup can’t be limited', 'choose a cgroup manager')
  }
  return unsupportedLimit(from, `the ${name} controller is not available on this host`)
}
