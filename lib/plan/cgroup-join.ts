import type { CgroupJoin } from '../cgroup/types.ts'
import { ERRNO, O } from './constants.ts'
import { SLOT_RANGE } from './slots.ts'
import type { Step } from './steps.ts'
import type { Launch } from './types.ts'

/** The last slot of the range: for the cgroup.procs of a cgroup that the launch could have been born in. */
const PROCS = SLOT_RANGE.namespaces - 1
const FROM = '/linux/cgroupsPath'

/** How a launch gets into the container's cgroup. */
export type CgroupEntry = Pick<Launch, 'host' | 'pass' | 'cgroup'> & { init: Step[] }

/**
 * The way into the cgroup: the launching clone is born in it on v2 (if `clone` allows), and init joins the others by
 * itself, through fds of their cgroup.procs.
 */
export function enterCgroup(
  cgroup: Pick<CgroupJoin, 'joinSlots' | 'cloneSlot' | 'optional'> | null,
  clone: boolean,
): CgroupEntry {
  const slots = [...(cgroup?.joinSlots ?? [])]
  const host: Step[] = []
  const born = cgroup?.cloneSlot ?? null
  if (born !== null && !clone) {
    host.push({ op: 'open', to: PROCS, dir: born, path: 'cgroup.procs', flags: O.WRONLY, from: FROM })
    slots.push(PROCS)
  }
  return {
    host,
    pass: slots.map((slot) => [slot, slot]),
    cgroup: clone ? born : null,
    init: slots.map((slot) => ({
      op: 'joinCgroup',
      slot,
      ignore: cgroup?.optional ? [ERRNO.EACCES, ERRNO.EPERM] : undefined,
      from: FROM,
    })),
  }
}
