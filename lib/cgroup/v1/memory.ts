import type { Memory } from '../../../types/index.ts'
import { ERRNO } from '../constants.ts'
import { equals, invalidLimit, type LimitPlan, nonZero } from '../limit-plan.ts'

/**
 * Limits of the v1 memory controller.
 *
 * The kernel keeps `memory.limit_in_bytes` ≤ `memory.memsw.limit_in_bytes` at any time, and which of the two has to move
 * first depends on where they are. So the sum is tried first (raising it always fits), then the memory, then the sum
 * again. 0 leaves a limit alone; no memory limit (-1) takes the sum's with it.
 */
export function memoryV1(out: LimitPlan, dir: string, memory: Memory): void {
  const limit = nonZero(memory.limit)
  let swap = nonZero(memory.swap)
  const sum = 'memory.memsw.limit_in_bytes'
  let swapFrom = 'memory/swap'
  let swapIgnore: readonly number[] = []
  if (swap === undefined && equals(limit, -1)) {
    swap = -1
    swapFrom = 'memory/limit'
    // Where the kernel doesn't count swap there is nothing to lift.
    swapIgnore = [ERRNO.ENOENT]
  }
  if (limit !== undefined && swap !== undefined && limit >= 0 && swap >= 0 && BigInt(swap) < BigInt(limit)) {
    throw invalidLimit('memory/swap', `expected at least the memory limit (${limit}), got ${swap}`)
  }
  if (limit === undefined) {
    if (swap !== undefined) out.write(dir, sum, swap, swapFrom)
  } else if (swap === undefined) {
    out.write(dir, 'memory.limit_in_bytes', limit, 'memory/limit')
  } else if (equals(swap, -1)) {
    out.write(dir, sum, swap, swapFrom, swapIgnore.length > 0 ? { ignore: swapIgnore } : {})
    out.write(dir, 'memory.limit_in_bytes', limit, 'memory/limit')
  } else {
    out.write(dir, sum, swap, swapFrom, { ignore: [ERRNO.EINVAL] })
    out.write(dir, 'memory.limit_in_bytes', limit, 'memory/limit')
    out.write(dir, sum, swap, swapFrom)
  }
  const reservation = nonZero(memory.reservation)
  if (reservation !== undefined) {
    out.write(dir, 'memory.soft_limit_in_bytes', reservation, 'memory/reservation')
  }
  if (memory.useHierarchy !== undefined) {
    out.write(dir, 'memory.use_hierarchy', memory.useHierarchy ? 1 : 0, 'memory/useHierarchy')
  }
  if (memory.disableOOMKiller) out.write(dir, 'memory.oom_control', 1, 'memory/disableOOMKiller')
  if (memory.swappiness !== undefined && !equals(memory.swappiness, -1)) {
    if (memory.swappiness > 100) {
      throw invalidLimit('memory/swappiness', `expected a number from 0 to 100, got ${memory.swappiness}`)
    }
    out.write(dir, 'memory.swappiness', memory.swappiness, 'memory/swappiness')
  }
  warnKernelMemory(out, memory)
}

/** The kernel has no such limits any more. */
export function warnKernelMemory(out: LimitPlan, memory: Memory): void {
  for (const name of ['kernel', 'kernelTCP'] as const) {
    if (memory[name] !== undefined) out.warn(`memory/${name}`, 'limits of kernel memory are ignored')
  }
}
