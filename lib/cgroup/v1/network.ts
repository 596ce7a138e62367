import type { Network } from '../../../types/index.ts'
import { invalidLimit, type LimitPlan, nonZero } from '../limit-plan.ts'

/** The class of net_cls; 0, the kernel's default, leaves it alone. */
export function netClsV1(out: LimitPlan, dir: string, { classID }: Network): void {
  if (nonZero(classID) !== undefined) out.write(dir, 'net_cls.classid', classID!, 'network/classID')
}

/** The priorities of net_prio: one write an interface. */
export function netPrioV1(out: LimitPlan, dir: string, { priorities }: Network): void {
  for (const [index, { name, priority }] of (priorities ?? []).entries()) {
    const from = `network/priorities/${index}`
    if (!/^[^\s/]+$/.test(name)) {
      throw invalidLimit(`${from}/name`, `expected the name of an interface, got ${JSON.stringify(name)}`)
    }
    out.write(dir, 'net_prio.ifpriomap', `${name} ${priority}`, from)
  }
}
