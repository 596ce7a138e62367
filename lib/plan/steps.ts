import { CGROUP_STEPS } from './steps/cgroup.ts'
import { FILE_STEPS } from './steps/file.ts'
import { FLOW_STEPS } from './steps/flow.ts'
import { HOST_STEPS } from './steps/host.ts'
import { MOUNT_STEPS } from './steps/mount.ts'
import { PROCESS_STEPS } from './steps/process.ts'
import type { StepOf } from './wire.ts'

/**
 * Every step there is: the one table from which the static types, the encoder and the C++ decoder's tables are made
 * (`npm run generate`).
 */
export const STEPS = {
  ...FLOW_STEPS,
  ...FILE_STEPS,
  ...CGROUP_STEPS,
  ...PROCESS_STEPS,
  ...MOUNT_STEPS,
  ...HOST_STEPS,
} as const

/** The name of a step. */
export type StepName = keyof typeof STEPS

/** One step of a plan. */
export type Step = StepOf<typeof STEPS>

/** A plan: steps in the order in which they are carried out. */
export type Plan = readonly Step[]
