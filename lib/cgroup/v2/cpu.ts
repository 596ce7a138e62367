import type { Cpu } from '../../../types/index.ts'
import { ERRNO } from '../constants.ts'
import { sharesToWeight } from '../conversions.ts'
import { equals, type LimitPlan, nonZero } from '../limit-plan.ts'

/**
 * Limits of the v2 cpu controller. Times are µs. 0 leaves shares, quota and period alone; a quota without a period keeps
 * the period in force (the kernel's default is 100000).
 *
 * @param knownQuota the quota in force, for an update that gives `period` alone
 */
export function cpuV2(out: LimitPlan, dir: string, cpu: Cpu, knownQuota?: number | bigint): void {
  // An idle group has no weight: the kernel refuses one for it.
  const idle = equals(cpu.idle, 1)
  if (cpu.idle !== undefined) out.write(dir, 'cpu.idle', cpu.idle, 'cpu/idle')
  const shares = nonZero(cpu.shares)
  if (shares !== undefined && !idle) out.write(dir, 'cpu.weight', sharesToWeight(shares), 'cpu/shares')
  const quota = nonZero(cpu.quota)
  const period = nonZero(cpu.period)
  const bandwidth = quota !== undefined || period !== undefined
  // A burst may not be above the quota, neither the old one nor the new one.
  if (cpu.burst !== undefined) {
    const options = quota === undefined ? {} : { ignore: [ERRNO.EINVAL] }
    out.write(dir, 'cpu.max.burst', cpu.burst, 'cpu/burst', options)
  }
  if (bandwidth) {
    const limit = quota ?? nonZero(knownQuota) ?? -1
    const text = `${limit < 0 ? 'max' : limit}${period === undefined ? '' : ` ${period}`}`
    out.write(dir, 'cpu.max', text, quota === undefined ? 'cpu/period' : 'cpu/quota')
  }
  if (cpu.burst !== undefined && quota !== undefined) out.write(dir, 'cpu.max.burst', cpu.burst, 'cpu/burst')
  for (const name of ['realtimeRuntime', 'realtimePeriod'] as const) {
    if (nonZero(cpu[name]) !== undefined) {
      out.warn(`cpu/${name}`, 'cgroup v2 has no limits of real-time CPU time: ignored')
    }
  }
}
