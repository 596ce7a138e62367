import type { Pids } from '../../../types/index.ts'
import type { LimitPlan } from '../limit-plan.ts'

/**
 * The limit of tasks, on v1 and v2. 0 is a limit: it is written as 1, since a process can't be launched into a cgroup
 * that may have none, and in both cases nothing can be forked. Negative: no limit.
 */
export function pids(out: LimitPlan, dir: string, { limit }: Pids): void {
  if (limit === undefined) return
  const text = limit < 0 ? 'max' : limit > 0 ? String(limit) : '1'
  out.write(dir, 'pids.max', text, 'pids/limit')
}
