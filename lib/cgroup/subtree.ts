import type { Step } from '../plan/steps.ts'
import { ERRNO, FORBIDDEN, OPEN } from './constants.ts'
import { SCRATCH } from './v1/devices.ts'

/**
 * Why the kernel may refuse to hand a controller on to children: it is not there, the cgroup has processes of its own,
 * real-time processes exist (cpu), or the cgroup is threaded. A limit that needs the controller fails by itself, and
 * says so.
 */
const REFUSALS = [ERRNO.ENOENT, ERRNO.EBUSY, ERRNO.EINVAL, ERRNO.EOPNOTSUPP]

/** Hands controllers on from a v2 cgroup to its children: one by one, so that one refusal does not cost the others. */
export function enableControllers(dir: string, controllers: readonly string[], optional: boolean): Step[] {
  if (controllers.length === 0) return []
  const open = { op: 'open', to: SCRATCH, flags: OPEN.WRONLY, from: '/linux/cgroupsPath' } as const
  const steps: Step[] = [
    { ...open, path: `${dir}/cgroup.subtree_control`, ...(optional ? { ignore: FORBIDDEN } : {}) },
  ]
  // Whoever may not write it gets what has been handed on already.
  if (optional) steps.push({ ...open, path: '/dev/null', orElse: true })
  for (const name of controllers) {
    steps.push({ op: 'writeFd', slot: SCRATCH, data: Buffer.from(`+${name}`), ignore: REFUSALS })
  }
  steps.push({ op: 'close', slot: SCRATCH })
  return steps
}
