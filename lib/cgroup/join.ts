import { SLOT, SLOT_RANGE } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import { ERRNO, FORBIDDEN, OPEN } from './constants.ts'
import type { CgroupJoin, CgroupLocation } from './types.ts'

/** How to join. */
export interface JoinOptions {
  /** It is no failure if the cgroup is missing or closed to the caller. Default false. */
  optional?: boolean
  /** CLONE_INTO_CGROUP works. Default true. */
  cloneIntoCgroup?: boolean
}

/** Most hierarchies: the last slot of the range is for use from one step to the next. */
const MOST = 31

/** The steps that open a container's cgroup for a process to join: at create, and for exec into it. */
export function joinCgroup(location: CgroupLocation, options: JoinOptions = {}): CgroupJoin {
  const { optional = false, cloneIntoCgroup = true } = options
  const open: Step[] = []
  const joinSlots: number[] = []
  const dirs = [...location.v1.map(({ dir }) => dir), ...(location.v2 ? [location.v2.dir] : [])].slice(
    0,
    MOST,
  )
  for (const dir of dirs) {
    const to = SLOT_RANGE.cgroups + joinSlots.length
    joinSlots.push(to)
    const step = { op: 'open', to, flags: OPEN.WRONLY, from: '/linux/cgroupsPath' } as const
    if (optional) {
      open.push({ ...step, path: `${dir}/cgroup.procs`, ignore: [ERRNO.ENOENT, ...FORBIDDEN] })
      open.push({ ...step, path: '/dev/null', orElse: true })
    } else open.push({ ...step, path: `${dir}/cgroup.procs` })
  }
  // Where hierarchies of v1 have to be joined by init anyway, v2 is just one more.
  const clone = location.mode === 'v2' && location.v2 && cloneIntoCgroup && !optional
  if (!clone) return { open, joinSlots, cloneSlot: null, optional }
  open.push({ op: 'open', to: SLOT.cgroup, path: location.v2!.dir, flags: OPEN.PATH })
  return { open, joinSlots, cloneSlot: SLOT.cgroup, optional }
}
