import type { OciError } from '../errors.ts'
import { type NativeRunResult, native } from '../native.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/steps.ts'
import { stepError } from './failure.ts'
import type { Tracer } from './trace.ts'

/** How a batch of host steps is run. */
export interface BatchOptions {
  /** Pairs of slot and fd, lent for the run. */
  slots?: readonly number[]
  /** Slots whose fds the caller takes over. */
  keep?: readonly number[]
  /** For errors. */
  containerId?: string | undefined
  /** Takes the time of each step. */
  tracer?: Tracer | undefined
  /** The plan as `encodeBatch` gives it, where that was done before. */
  encoded?: Uint8Array | undefined
}

/** What became of a batch. `error` is null if every step was carried out. */
export interface BatchResult extends NativeRunResult {
  error: OciError | null
}

const NONE: readonly number[] = []

/** Encodes host steps ahead of their time: what can't be encoded is refused here. Throws as `encodePlan` does. */
export function encodeBatch(plan: Plan, tracer: Tracer | undefined): Uint8Array {
  return encodePlan(plan, { trace: tracer !== undefined })
}

/** Carries out host steps on a worker thread, in one crossing. A failed step is in the result, not thrown. */
export async function tryBatch(plan: Plan, options: BatchOptions = {}): Promise<BatchResult> {
  const { tracer, containerId } = options
  const bytes = options.encoded ?? encodeBatch(plan, tracer)
  const result = await native().run(bytes, options.slots ?? NONE, options.keep ?? NONE)
  tracer?.add('host', plan, result.times)
  const { failure } = result
  if (failure === null) return { ...result, error: null }
  return { ...result, error: stepError({ ...failure, step: plan[failure.step], containerId }) }
}

/** Carries out host steps; closes what it kept and throws if one fails. */
export async function runBatch(plan: Plan, options: BatchOptions = {}): Promise<BatchResult> {
  const result = await tryBatch(plan, options)
  if (result.error !== null) {
    closeAll(result.fds)
    throw result.error
  }
  return result
}

/** Closes fds; negative ones are none. */
export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) if (fd >= 0) native().close(fd)
}
