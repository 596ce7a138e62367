import type { CgroupJoin } from '../cgroup/types.ts'
import { CLONE, ERRNO, O } from './constants.ts'
import type { CreateContext } from './context.ts'
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
    init: joinSteps(slots, cgroup?.optional ?? false),
  }
}

function joinSteps(slots: readonly number[], optional: boolean): Step[] {
  const ignore = optional ? [ERRNO.EACCES, ERRNO.EPERM] : undefined
  return slots.map((slot) => ({ op: 'joinCgroup', slot, ignore, from: FROM }))
}

/**
 * Whether init may join its cgroup on its way rather than first of all, so that a dozen hierarchies of v1 are made while
 * it is at work. Not where it must still be the caller's equal to do so, or where a namespace, a stage or a limit of
 * processes depends on the cgroup.
 */
export function mayJoinLater({ input, namespaces, linux }: CreateContext): boolean {
  const { cgroup } = input
  if (cgroup === null || cgroup.location.v1.length === 0 || cgroup.creation.cloneSlot !== null) return false
  if (cgroup.creation.optional || linux.resources?.pids !== undefined) return false
  const { created, joined, joinedUser } = namespaces
  const first = CLONE.NEWUSER | CLONE.NEWTIME | CLONE.NEWCGROUP
  return joined.length === 0 && joinedUser === null && (created & first) === 0
}

/** How init joins then: as soon as the cgroup is made, before anything that uses it or is charged to it. */
export function joinLater({ open, joinSlots }: CgroupJoin): Step[] {
  return [{ op: 'waitGo', from: FROM }, ...open, ...joinSteps(joinSlots, false)]
}
