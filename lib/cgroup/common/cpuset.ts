import type { Cpu } from '../../../types/index.ts'
import type { LimitPlan } from '../limit-plan.ts'

/**
 * CPUs and memory nodes, on v1 and v2.
 *
 * @param prefix `cpuset.`, or nothing for a v1 hierarchy that is mounted with noprefix
 */
export function cpuset(out: LimitPlan, dir: string, cpu: Cpu, prefix: string): void {
  if (cpu.cpus) out.write(dir, `${prefix}cpus`, cpu.cpus, 'cpu/cpus')
  if (cpu.mems) out.write(dir, `${prefix}mems`, cpu.mems, 'cpu/mems')
}
