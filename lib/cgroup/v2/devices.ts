import type { Step } from '../../plan/steps.ts'
import { deviceProgram } from '../device-program.ts'
import type { ExactRule } from '../device-rules.ts'
import { RESOURCES } from '../limit-plan.ts'

/** The device rules of a v2 cgroup: a BPF program on its directory. */
export function devicesV2(dir: string, rules: readonly ExactRule[]): Step[] {
  return [{ op: 'deviceBpf', path: dir, insns: deviceProgram(rules), from: `${RESOURCES}/devices` }]
}
