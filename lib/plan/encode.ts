import { OciError } from '../errors.ts'
import { EncodedRun, Encoder, type LooseStep } from './encoder.ts'
import { Refusal } from './refusal.ts'
import type { Plan, Step } from './steps.ts'

export { planAbi } from './abi.ts'
export { EncodedRun } from './encoder.ts'

/** How a plan is encoded. */
export interface EncodeOptions {
  /** Write a timestamp for each step. */
  trace?: boolean | undefined
}

/** A plan of which parts are encoded already. */
export type Encodable = readonly (Step | EncodedRun)[]

/**
 * The binary form of a plan (see wire.ts): what the interpreter carries out.
 *
 * @throws {OciError} `ERR_OCI_INTERNAL` for a step that breaks the step table: an unknown operation, an unknown or
 * missing field, a value of the wrong type or out of range. `ERR_OCI_CONFIG_INVALID` for what a config can bring
 * about: a NUL inside a string, a plan that is too large. Both name the step and the field.
 */
export function encodePlan(plan: Encodable, options: EncodeOptions = {}): Uint8Array {
  const encoder = new Encoder()
  encodeAll(encoder, plan)
  return encoder.finish(options.trace === true)
}

/** Encodes steps that are part of many plans. Throws as `encodePlan` does. */
export function encodeRun(steps: Plan): EncodedRun {
  const encoder = new Encoder()
  encodeAll(encoder, steps)
  return encoder.run()
}

function encodeAll(encoder: Encoder, plan: Encodable): void {
  for (const part of plan) {
    if (part instanceof EncodedRun) encoder.add(part)
    else {
      try {
        encoder.step(part as unknown as LooseStep)
      } catch (error) {
        if (error instanceof Refusal) throw located(error, part, encoder.count)
        throw error
      }
    }
  }
}

function located({ field, message, fromConfig }: Refusal, step: Step, index: number): OciError {
  const { op, from } = (step ?? {}) as { op?: unknown; from?: string }
  const place = `step ${index} (${String(op)})${field === '' ? '' : `, field ${field}`}`
  const code = fromConfig ? 'ERR_OCI_CONFIG_INVALID' : 'ERR_OCI_INTERNAL'
  return new OciError(code, `${place}: ${message}`, { step: String(op), path: from })
}
