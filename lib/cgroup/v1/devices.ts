import { SLOT_RANGE } from '../../plan/slots.ts'
import type { Step } from '../../plan/steps.ts'
import { OPEN } from '../constants.ts'
import { deviceList, deviceText, type ExactRule } from '../device-rules.ts'
import { RESOURCES } from '../limit-plan.ts'

/** A slot that is only used from one step to the next. */
export const SCRATCH = SLOT_RANGE.cgroups + 31

/**
 * The device list of a v1 cgroup: all is denied (or allowed), then each exception is written. The file is opened once,
 * since every container has a dozen.
 */
export function devicesV1(dir: string, rules: readonly ExactRule[]): Step[] {
  const { allowByDefault, exceptions } = deviceList(rules)
  const from = `${RESOURCES}/devices`
  const [first, second] = allowByDefault ? ['allow', 'deny'] : ['deny', 'allow']
  const steps: Step[] = [
    { op: 'write', path: `${dir}/devices.${first}`, data: Buffer.from('a *:* rwm'), from },
  ]
  if (exceptions.length === 0) return steps
  steps.push({ op: 'open', to: SCRATCH, path: `${dir}/devices.${second}`, flags: OPEN.WRONLY, from })
  for (const rule of exceptions) {
    steps.push({
      op: 'writeFd',
      slot: SCRATCH,
      data: Buffer.from(deviceText(rule)),
      from: rule.from ? `${RESOURCES}/${rule.from}` : from,
    })
  }
  steps.push({ op: 'close', slot: SCRATCH })
  return steps
}
