import type { Memory } from '../../../types/index.ts'
import { ERRNO } from '../constants.ts'
import { bytesOrMax, type SwapProblem, swapMax } from '../conversions.ts'
import { equals, invalidLimit, type LimitPlan, nonZero, unsupportedLimit } from '../limit-plan.ts'
import { warnKernelMemory } from '../v1/memory.ts'

const PROBLEMS: Record<SwapProblem, string> = {
  'no-memory-limit': 'a limit of memory and swap together needs a memory limit on cgroup v2',
  'below-memory-limit': 'expected at least the memory limit',
  'memory-limit-invalid': 'the memory limit that it includes is negative',
}

/**
 * Limits of the v2 memory controller. The config's `swap` is memory and swap together, `memory.swap.max` is swap alone.
 * 0 leaves a limit alone.
 *
 * @param knownLimit the memory limit in force, for an update that gives `swap` alone
 */
export function memoryV2(out: LimitPlan, dir: string, memory: Memory, knownLimit?: number | bigint): void {
  const limit = nonZero(memory.limit)
  const given = nonZero(memory.swap)
  const swap = swapMax(given, limit ?? (given === undefined ? undefined : knownLimit))
  if (swap !== null && typeof swap === 'object') {
    throw invalidLimit('memory/swap', `${PROBLEMS[swap.problem]}, got ${memory.swap}`)
  }
  if (swap !== null) {
    // Without swap in the kernel there is nothing to limit, and nothing to lift.
    const options = swap === 'max' || swap === '0' ? { ignore: [ERRNO.ENOENT] } : {}
    out.write(dir, 'memory.swap.max', swap, given === undefined ? 'memory/limit' : 'memory/swap', options)
  }
  if (limit !== undefined) out.write(dir, 'memory.max', bytesOrMax(limit), 'memory/limit')
  const reservation = nonZero(memory.reservation)
  if (reservation !== undefined) out.write(dir, 'memory.low', bytesOrMax(reservation), 'memory/reservation')
  if (memory.swappiness !== undefined && !equals(memory.swappiness, -1)) {
    out.warn('memory/swappiness', 'cgroup v2 has no swappiness: ignored')
  }
  if (memory.disableOOMKiller) {
    out.warn('memory/disableOOMKiller', 'cgroup v2 can’t disable the OOM killer: ignored')
  }
  if (memory.useHierarchy === false) {
    throw unsupportedLimit('memory/useHierarchy', 'cgroup v2 always counts children towards their parents')
  }
  warnKernelMemory(out, memory)
}
