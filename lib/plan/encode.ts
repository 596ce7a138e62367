import { OciError } from '../errors.ts'
import { planAbi } from './abi.ts'
import { type Plan, STEPS, type StepName } from './steps.ts'
import {
  type FieldKind,
  MAX_PLAN_SIZE,
  MAX_SLOTS,
  NO_SLOT,
  PLAN_HEADER_SIZE,
  PLAN_MAGIC,
  PLAN_TRACE,
  RECORD_HEADER_SIZE,
  RECORD_OR_ELSE,
} from './wire.ts'

export { planAbi } from './abi.ts'

/** How a plan is encoded. */
export interface EncodeOptions {
  /** Write a timestamp for each step. */
  trace?: boolean | undefined
}

interface Field {
  name: string
  kind: FieldKind
  optional: boolean
}

interface Row {
  op: number
  fields: readonly Field[]
  names: ReadonlySet<string>
}

const COMMON = ['op', 'ignore', 'orElse', 'from']
const MAX_IGNORES = 4
const LONE_SURROGATE = /\p{Surrogate}/u
/** Below this, a string's UTF-8 is not measured before it is written. */
const SHORT = 1024
const U64_MAX = 0xffff_ffff_ffff_ffffn
const I64_MIN = -(2n ** 63n)
const I64_MAX = 2n ** 63n - 1n

const rows = new Map<string, Row>()
for (const [name, { op, fields }] of Object.entries(STEPS)) {
  const list = Object.entries<string>(fields).map(([field, spec]) => {
    const optional = spec.endsWith('?')
    return { name: field, kind: (optional ? spec.slice(0, -1) : spec) as FieldKind, optional }
  })
  rows.set(name, { op, fields: list, names: new Set([...COMMON, ...list.map((field) => field.name)]) })
}

/**
 * The binary form of a plan (see wire.ts): what the interpreter carries out.
 *
 * @throws {OciError} `ERR_OCI_INTERNAL` for a step that breaks the step table: an unknown operation, an unknown or
 * missing field, a value of the wrong type or out of range. `ERR_OCI_CONFIG_INVALID` for what a config can bring
 * about: a NUL inside a string, a plan that is too large. Both name the step and the field.
 */
export function encodePlan(plan: Plan, options: EncodeOptions = {}): Uint8Array {
  const encoder = new Encoder()
  for (let i = 0; i < plan.length; i++) {
    try {
      encoder.step(plan[i] as unknown as LooseStep)
    } catch (error) {
      if (error instanceof Refusal) throw located(error, plan, i)
      throw error
    }
  }
  return encoder.finish(plan.length, options.trace === true)
}

interface LooseStep {
  readonly [field: string]: unknown
  readonly op: StepName
}

/** A wrong step, before it is known where in the plan. */
class Refusal extends Error {
  readonly field: string
  readonly fromConfig: boolean
  constructor(field: string, message: string, fromConfig = false) {
    super(message)
    this.field = field
    this.fromConfig = fromConfig
  }
}

function located({ field, message, fromConfig }: Refusal, plan: Plan, index: number): OciError {
  const { op, from } = (plan[index] ?? {}) as { op?: unknown; from?: string }
  const place = `step ${index} (${String(op)})${field === '' ? '' : `, field ${field}`}`
  const code = fromConfig ? 'ERR_OCI_CONFIG_INVALID' : 'ERR_OCI_INTERNAL'
  return new OciError(code, `${place}: ${message}`, { step: String(op), path: from })
}

/** One growing buffer, little-endian. */
class Encoder {
  #buffer = Buffer.alloc(4096)
  #end = PLAN_HEADER_SIZE
  #record = 0

  finish(count: number, trace: boolean): Uint8Array {
    const buffer = this.#buffer
    buffer.writeUInt32LE(PLAN_MAGIC, 0)
    buffer.writeUInt32LE(planAbi(), 4)
    buffer.writeUInt32LE(this.#end, 8)
    buffer.writeUInt32LE(count, 12)
    buffer.writeUInt32LE(trace ? PLAN_TRACE : 0, 16)
    return new Uint8Array(buffer.buffer, buffer.byteOffset, this.#end)
  }

  step(step: LooseStep): void {
    const row = typeof step?.op === 'string' ? rows.get(step.op) : undefined
    if (row === undefined) throw new Refusal('', 'there is no such operation')
    for (const name in step) {
      if (!row.names.has(name)) throw new Refusal(name, 'the step has no such field')
    }
    this.#record = this.#end
    const words = this.#record + RECORD_HEADER_SIZE
    this.#reserve(RECORD_HEADER_SIZE + row.fields.length * 8)
    for (let i = 0; i < row.fields.length; i++) {
      const field = row.fields[i]!
      const value = step[field.name]
      const at = words + i * 8
      if (value !== undefined) this.#field(field, value, at)
      else if (!field.optional) throw new Refusal(field.name, 'is missing')
      else if (field.kind === 'slot') this.#buffer.writeUInt32LE(NO_SLOT, at)
    }
    this.#head(row.op, step)
  }

  #head(op: number, { ignore = [], orElse = false }: LooseStep): void {
    if (!Array.isArray(ignore) || ignore.length > MAX_IGNORES) {
      throw new Refusal('ignore', `wants a list of at most ${MAX_IGNORES} errno values`)
    }
    const buffer = this.#buffer
    buffer.writeUInt32LE(this.#end - this.#record, this.#record)
    buffer.writeUInt16LE(op, this.#record + 4)
    buffer.writeUInt16LE(checkBool('orElse', orElse) ? RECORD_OR_ELSE : 0, this.#record + 6)
    for (let i = 0; i < ignore.length; i++) {
      const errno: unknown = ignore[i]
      if (!Number.isInteger(errno) || (errno as number) < 1 || (errno as number) > 4095) {
        throw new Refusal('ignore', `${String(errno)} is no errno`)
      }
      buffer.writeUInt16LE(errno as number, this.#record + 8 + i * 2)
    }
  }

  #field({ name, kind }: Field, value: unknown, at: number): void {
    switch (kind) {
      case 'u64':
        this.#integer(name, value, at, false)
        break
      case 'i64':
        this.#integer(name, value, at, true)
        break
      case 'bool':
        this.#buffer.writeUInt32LE(checkBool(name, value) ? 1 : 0, at)
        break
      case 'slot':
        if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= MAX_SLOTS) {
          throw new Refusal(name, `${String(value)} is no slot`)
        }
        this.#buffer.writeUInt32LE(value as number, at)
        break
      case 'str':
        this.#string(name, value, at)
        break
      case 'bytes':
        this.#bytes(name, value, at)
        break
      case 'strs':
        this.#list(name, value, at, (item, place) => this.#string(name, item, place))
        break
      case 'u64s':
        this.#list(name, value, at, (item, place) => this.#integer(name, item, place, false))
        break
    }
  }

  #integer(name: string, value: unknown, at: number, signed: boolean): void {
    const buffer = this.#buffer
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value))
        throw new Refusal(name, `${value} is no integer that a number can hold`)
      if (value < 0 && !signed) throw new Refusal(name, `${value} is negative`)
      buffer.writeUInt32LE(value >>> 0, at)
      buffer.writeInt32LE(Math.floor(value / 0x1_0000_0000), at + 4)
      return
    }
    if (typeof value !== 'bigint') throw new Refusal(name, `wants an integer, not ${typeName(value)}`)
    if (value < (signed ? I64_MIN : 0n) || value > (signed ? I64_MAX : U64_MAX)) {
      throw new Refusal(name, `${value} does not fit in 64 bits`)
    }
    buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at)
  }

  #string(name: string, value: unknown, at: number): void {
    if (typeof value !== 'string') throw new Refusal(name, `wants a string, not ${typeName(value)}`)
    if (value.includes('\0')) throw new Refusal(name, 'holds a NUL character', true)
    if (LONE_SURROGATE.test(value))
      throw new Refusal(name, 'holds an unpaired surrogate: it is no Unicode text', true)
    const offset = this.#end
    // Three bytes of UTF-8 are the most that one unit of UTF-16 comes to.
    this.#reserve((value.length < SHORT ? value.length * 3 : Buffer.byteLength(value)) + 1)
    const length = this.#buffer.write(value, offset, 'utf8')
    this.#shrink(offset + length + 1)
    this.#reference(at, offset, length)
  }

  #bytes(name: string, value: unknown, at: number): void {
    if (!(value instanceof Uint8Array)) throw new Refusal(name, `wants bytes, not ${typeName(value)}`)
    const offset = this.#end
    // A byte more, so that empty bytes differ from absent ones even at the end of the record.
    this.#reserve(value.length + 1)
    this.#buffer.set(value, offset)
    this.#reference(at, offset, value.length)
  }

  #list(name: string, value: unknown, at: number, item: (item: unknown, at: number) => void): void {
    if (!Array.isArray(value)) throw new Refusal(name, `wants a list, not ${typeName(value)}`)
    if (value.length === 0) return
    const offset = this.#end
    this.#reserve(value.length * 8)
    this.#reference(at, offset, value.length)
    for (let i = 0; i < value.length; i++) item(value[i], offset + i * 8)
  }

  #reference(at: number, offset: number, length: number): void {
    this.#buffer.writeUInt32LE(offset - this.#record, at)
    this.#buffer.writeUInt32LE(length, at + 4)
  }

  /** Adds `size` zero bytes at the end, rounded up to 8. */
  #reserve(size: number): void {
    const end = this.#end + ((size + 7) & ~7)
    if (end > MAX_PLAN_SIZE) throw new Refusal('', `the plan is larger than ${MAX_PLAN_SIZE} bytes`, true)
    if (end > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(end, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, this.#end))
      this.#buffer = larger
    }
    this.#end = end
  }

  /** Gives back what was reserved behind `end`, rounded up to 8. Nothing was written there. */
  #shrink(end: number): void {
    this.#end = (end + 7) & ~7
  }
}

function checkBool(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Refusal(name, `wants true or false, not ${typeName(value)}`)
  return value
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}
