import { controllerDir } from '../cgroup/limits.ts'
import { O } from './constants.ts'
import type { CreateContext } from './context.ts'
import { SLOT } from './slots.ts'
import type { Step } from './steps.ts'

/** Steps that make room for a second task, and take it away. */
export interface PidsRoom {
  host: Step[]
  init: Step[]
  /** Slots to pass. */
  pass: number[]
}

const FROM = '/linux/resources/pids/limit'

/**
 * A container may be limited to one task, but a stage of init that takes over from another is a second one for a moment:
 * until then the limit is two, and init sets the real one.
 */
export function roomToFork({ input, linux, host }: CreateContext): PidsRoom {
  const none = { host: [], init: [], pass: [] }
  const { pids, unified } = linux.resources ?? {}
  const limit = unified?.['pids.max']?.trim() ?? pids?.limit
  if (!input.cgroup || (String(limit) !== '1' && String(limit) !== '0')) return none
  const place = controllerDir(input.cgroup.location, host.cgroup, 'pids')
  if (place === null) return none
  const path = `${place.dir}/pids.max`
  return {
    host: [
      { op: 'write', path, data: Buffer.from('2'), from: FROM },
      { op: 'open', to: SLOT.pidsMax, path, flags: O.WRONLY, from: FROM },
    ],
    init: [{ op: 'writeFd', slot: SLOT.pidsMax, data: Buffer.from('1'), from: FROM }],
    pass: [SLOT.pidsMax],
  }
}
