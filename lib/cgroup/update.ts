import type { BlockIo, Network, Resources } from '../../types/index.ts'
import { OciError } from '../errors.ts'
import type { Step } from '../plan/steps.ts'
import { nonZero, RESOURCES } from './limit-plan.ts'
import { type LimitContext, limitSteps } from './limits.ts'
import type { CgroupLayout, CgroupLocation, CgroupWarning } from './types.ts'

/** A new limit that must be above what is in use: `memory.checkBeforeUpdate`. */
export interface UsageCheck {
  /** Read it before the steps; if it is not there, there is nothing to check. */
  file: string
  /** Bytes. */
  limit: number | bigint
  /** JSON pointer of the limit. */
  from: string
}

/** What an update of a running container takes. */
export interface CgroupUpdate {
  /** Checks to be made before `steps`, with `checkUsage`. */
  checks: UsageCheck[]
  steps: Step[]
  warnings: CgroupWarning[]
}

/**
 * The writes that change a running container's limits. What `resources` does not name stays as it is, and so do the
 * devices, whatever it says: their rules may have been changed by others since.
 *
 * @param context with `current` (the container's resources so far) a CPU period or a sum of memory and swap may come
 *   alone on v2, which wants them together with others
 * @throws OciError for limits that can't be set here; pointers are those of config.json
 */
export function updateCgroup(
  location: CgroupLocation,
  layout: CgroupLayout,
  resources: Resources,
  context: LimitContext = {},
): CgroupUpdate {
  const { steps, warnings } = limitSteps(location, layout, resources, context)
  return { checks: usageChecks(location, resources), steps, warnings }
}

function usageChecks({ mode, v2 }: CgroupLocation, { memory }: Resources): UsageCheck[] {
  // On v1 the kernel refuses such a limit by itself.
  if (!memory?.checkBeforeUpdate || mode !== 'v2' || !v2) return []
  const checks: UsageCheck[] = []
  for (const name of ['swap', 'limit'] as const) {
    const limit = nonZero(memory[name])
    if (limit === undefined || limit < 0) continue
    checks.push({ file: `${v2.dir}/memory.current`, limit, from: `${RESOURCES}/memory/${name}` })
  }
  return checks
}

/**
 * Makes a check.
 *
 * @param text of the check's file
 * @throws ERR_OCI_CGROUP if more is in use than the limit allows
 */
export function checkUsage({ limit, from }: UsageCheck, text: string): void {
  const usage = text.trim()
  if (!/^\d+$/.test(usage) || BigInt(limit) > BigInt(usage)) return
  throw new OciError('ERR_OCI_CGROUP', `a limit of ${limit} bytes is refused: ${usage} are in use`, {
    path: from,
    hint: 'checkBeforeUpdate is set: without it the kernel would kill processes until the limit holds',
  })
}

/** The resources in force after an update: those before, with what it names. Devices stay. */
export function mergeResources(current: Resources, update: Resources): Resources {
  const merged: Resources = { ...current }
  for (const name of ['memory', 'cpu', 'pids'] as const) {
    if (update[name]) Object.assign(merged, { [name]: { ...current[name], ...given(update[name]) } })
  }
  if (update.blockIO) merged.blockIO = mergeBlockIo(current.blockIO ?? {}, update.blockIO)
  if (update.network) merged.network = mergeNetwork(current.network ?? {}, update.network)
  if (update.hugepageLimits) {
    merged.hugepageLimits = mergeList(
      current.hugepageLimits,
      update.hugepageLimits,
      ({ pageSize }) => pageSize,
    )
  }
  if (update.rdma) merged.rdma = { ...current.rdma, ...update.rdma }
  if (update.unified) merged.unified = { ...current.unified, ...update.unified }
  return merged
}

function deviceKey({ major, minor }: { major: number | bigint; minor: number | bigint }): string {
  return `${major}:${minor}`
}

function given<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<T>
}

function mergeNetwork(current: Network, update: Network): Network {
  const merged: Network = { ...current, ...given(update) }
  if (update.priorities)
    merged.priorities = mergeList(current.priorities, update.priorities, ({ name }) => name)
  return merged
}

const THROTTLES = [
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const

function mergeBlockIo(current: BlockIo, update: BlockIo): BlockIo {
  const merged: BlockIo = { ...current, ...given(update) }
  if (update.weightDevice)
    merged.weightDevice = mergeList(current.weightDevice, update.weightDevice, deviceKey)
  for (const name of THROTTLES) {
    if (update[name]) merged[name] = mergeList(current[name], update[name], deviceKey)
  }
  return merged
}

/** Both lists' entries; of those with the same key the later one's values. */
function mergeList<E>(
  current: readonly E[] | undefined,
  update: readonly E[],
  key: (entry: E) => string,
): E[] {
  const entries = new Map((current ?? []).map((entry) => [key(entry), entry]))
  for (const entry of update) entries.set(key(entry), { ...entries.get(key(entry)), ...entry })
  return [...entries.values()]
}
