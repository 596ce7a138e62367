import type { Cpu } from '../../../types/index.ts'
import { ERRNO } from '../constants.ts'
import { equals, invalidLimit, type LimitPlan, nonZero } from '../limit-plan.ts'

/**
 * Limits of the v1 cpu controller. Times are µs.
 *
 * The kernel checks period, quota and burst against each other and against the parent at each write. So what may fit
 * only with the new quota is tried before it and written again after. 0 leaves shares, quota and period alone.
 */
export function cpuV1(out: LimitPlan, dir: string, cpu: Cpu): void {
  realtime(out, dir, cpu)
  // An idle group has no weight: the kernel refuses shares for it.
  const idle = equals(cpu.idle, 1)
  if (cpu.idle !== undefined && !idle) out.write(dir, 'cpu.idle', cpu.idle, 'cpu/idle')
  const shares = nonZero(cpu.shares)
  if (shares !== undefined && !idle) {
    // The kernel would clamp it without a word.
    if (shares < 2) throw invalidLimit('cpu/shares', `the minimum allowed cpu-shares is 2, got ${shares}`)
    if (shares > 262_144) {
      throw invalidLimit('cpu/shares', `the maximum allowed cpu-shares is 262144, got ${shares}`)
    }
    out.write(dir, 'cpu.shares', shares, 'cpu/shares')
  }
  const quota = nonZero(cpu.quota)
  const period = nonZero(cpu.period)
  const early = quota === undefined ? {} : { ignore: [ERRNO.EINVAL] }
  if (period !== undefined) out.write(dir, 'cpu.cfs_period_us', period, 'cpu/period', early)
  if (cpu.burst !== undefined) {
    const ignore = [ERRNO.ENOENT, ...(early.ignore ?? [])]
    out.write(dir, 'cpu.cfs_burst_us', cpu.burst, 'cpu/burst', { ignore })
  }
  if (quota !== undefined) {
    out.write(dir, 'cpu.cfs_quota_us', quota, 'cpu/quota')
    if (period !== undefined) out.write(dir, 'cpu.cfs_period_us', period, 'cpu/period')
    // Kernels before 5.14 have no bursts.
    if (cpu.burst !== undefined) {
      out.write(dir, 'cpu.cfs_burst_us', cpu.burst, 'cpu/burst', { ignore: [ERRNO.ENOENT] })
    }
  }
  if (idle) out.write(dir, 'cpu.idle', 1, 'cpu/idle')
}

function realtime(out: LimitPlan, dir: string, cpu: Cpu): void {
  const runtime = nonZero(cpu.realtimeRuntime)
  const period = nonZero(cpu.realtimePeriod)
  if (period !== undefined) {
    const early = runtime === undefined ? {} : { ignore: [ERRNO.EINVAL] }
    out.write(dir, 'cpu.rt_period_us', period, 'cpu/realtimePeriod', early)
  }
  if (runtime === undefined) return
  out.write(dir, 'cpu.rt_runtime_us', runtime, 'cpu/realtimeRuntime')
  if (period !== undefined) out.write(dir, 'cpu.rt_period_us', period, 'cpu/realtimePeriod')
}
