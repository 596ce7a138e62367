import { planAbi } from './abi.ts'
import { checkBool, checkList, Refusal, typeName } from './refusal.ts'
import { type Field, rows } from './step-rows.ts'
import type { StepName } from './steps.ts'
import {
  MAX_PLAN_SIZE,
  MAX_SLOTS,
  NO_SLOT,
  PLAN_HEADER_SIZE,
  PLAN_MAGIC,
  PLAN_TRACE,
  RECORD_HEADER_SIZE,
  RECORD_OR_ELSE,
} from './wire.ts'

/** Steps of a plan that are encoded already. */
export class EncodedRun {
  /** Their records. */
  readonly bytes: Uint8Array
  /** How many they are. */
  readonly count: number
  constructor(bytes: Uint8Array, count: number) {
    this.bytes = bytes
    this.count = count
  }
}

/** A step as it comes: its fields are checked here. */
export interface LooseStep {
  readonly [field: string]: unknown
  readonly op: StepName
}

const MAX_IGNORES = 4
const LONE_SURROGATE = /\p{Surrogate}/u
/** Up to this length a string is written here, if it is ASCII: calling the engine takes longer. */
const SHORT = 256
/** Size of the scratch buffer at first, and the largest that is kept, in bytes. */
const SCRATCH = 32 * 1024
const KEPT = 1024 * 1024
const U64_MAX = 0xffff_ffff_ffff_ffffn
const I64_MIN = -(2n ** 63n)
const I64_MAX = 2n ** 63n - 1n

/** What plans are encoded in, one at a time. Only what a plan reaches is cleared. */
let scratch: Buffer
let words: Uint32Array
useScratch(Buffer.alloc(SCRATCH))

function useScratch(buffer: Buffer): void {
  scratch = buffer
  words = new Uint32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2)
}

/** Appends records to the scratch buffer, little-endian as every machine that this runs on. */
export class Encoder {
  #end = PLAN_HEADER_SIZE
  #record = 0

  /** Steps so far. */
  count = 0

  finish(trace: boolean): Uint8Array {
    words[0] = PLAN_MAGIC
    words[1] = planAbi()
    words[2] = this.#end
    words[3] = this.count
    words[4] = trace ? PLAN_TRACE : 0
    for (let i = 5; i < PLAN_HEADER_SIZE >> 2; i++) words[i] = 0
    const plan = new Uint8Array(scratch.subarray(0, this.#end))
    if (scratch.length > KEPT) useScratch(Buffer.alloc(SCRATCH))
    return plan
  }

  /** What was added, to be part of other plans. */
  run(): EncodedRun {
    return new EncodedRun(new Uint8Array(scratch.subarray(PLAN_HEADER_SIZE, this.#end)), this.count)
  }

  add({ bytes, count }: EncodedRun): void {
    const offset = this.#end
    this.#reserve(bytes.length)
    scratch.set(bytes, offset)
    this.count += count
  }

  step(step: LooseStep): void {
    const row = typeof step?.op === 'string' ? rows.get(step.op) : undefined
    if (row === undefined) throw new Refusal('', 'there is no such operation')
    for (const name in step) {
      if (!row.names.has(name)) throw new Refusal(name, 'the step has no such field')
    }
    const { fields } = row
    this.#record = this.#end
    let at = this.#record + RECORD_HEADER_SIZE
    this.#reserve(RECORD_HEADER_SIZE + fields.length * 8)
    for (const field of fields) {
      const value = step[field.name]
      if (value !== undefined) this.#field(field, value, at)
      else if (!field.optional) throw new Refusal(field.name, 'is missing')
      else if (field.kind === 'slot') words[at >> 2] = NO_SLOT
      at += 8
    }
    this.#head(row.op, step)
    this.count++
  }

  #head(op: number, { ignore, orElse }: LooseStep): void {
    const at = this.#record >> 2
    words[at] = this.#end - this.#record
    const after = orElse !== undefined && checkBool('orElse', orElse) ? RECORD_OR_ELSE : 0
    words[at + 1] = op | (after << 16)
    if (ignore === undefined) return
    if (!Array.isArray(ignore) || ignore.length > MAX_IGNORES) {
      throw new Refusal('ignore', `wants a list of at most ${MAX_IGNORES} errno values`)
    }
    for (let i = 0; i < ignore.length; i++) {
      const errno: unknown = ignore[i]
      if (!Number.isInteger(errno) || (errno as number) < 1 || (errno as number) > 4095) {
        throw new Refusal('ignore', `${String(errno)} is no errno`)
      }
      scratch.writeUInt16LE(errno as number, this.#record + 8 + i * 2)
    }
  }

  #field({ name, kind }: Field, value: unknown, at: number): void {
    switch (kind) {
      case 'u64':
        integer(name, value, at, false)
        break
      case 'i64':
        integer(name, value, at, true)
        break
      case 'bool':
        words[at >> 2] = checkBool(name, value) ? 1 : 0
        break
      case 'slot':
        if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= MAX_SLOTS) {
          throw new Refusal(name, `${String(value)} is no slot`)
        }
        words[at >> 2] = value as number
        break
      case 'str':
        this.#string(name, value, at)
        break
      case 'bytes':
        this.#bytes(name, value, at)
        break
      case 'strs': {
        const list = checkList(name, value)
        const begin = this.#listAt(list.length, at)
        for (let i = 0; i < list.length; i++) this.#string(name, list[i], begin + i * 8)
        break
      }
      case 'u64s': {
        const list = checkList(name, value)
        const begin = this.#listAt(list.length, at)
        for (let i = 0; i < list.length; i++) integer(name, list[i], begin + i * 8, false)
        break
      }
    }
  }

  #string(name: string, value: unknown, at: number): void {
    if (typeof value !== 'string') throw new Refusal(name, `wants a string, not ${typeName(value)}`)
    const offset = this.#end
    const units = value.length
    let length = 0
    if (units <= SHORT) {
      this.#reserve(units + 1)
      for (; length < units; length++) {
        const unit = value.charCodeAt(length)
        if (unit === 0 || unit > 0x7f) break
        scratch[offset + length] = unit
      }
    }
    if (length < units) length = this.#anyString(name, value, offset)
    const record = this.#record
    words[at >> 2] = offset - record
    words[(at >> 2) + 1] = length
  }

  /** A string that is long, not ASCII, or wrong, at `offset`. Returns its length in bytes. */
  #anyString(name: string, value: string, offset: number): number {
    if (value.includes('\0')) throw new Refusal(name, 'holds a NUL character', true)
    if (LONE_SURROGATE.test(value))
      throw new Refusal(name, 'holds an unpaired surrogate: it is no Unicode text', true)
    this.#end = offset
    this.#reserve(Buffer.byteLength(value) + 1)
    return scratch.write(value, offset, 'utf8')
  }

  #bytes(name: string, value: unknown, at: number): void {
    if (!(value instanceof Uint8Array)) throw new Refusal(name, `wants bytes, not ${typeName(value)}`)
    const offset = this.#end
    // A byte more, so that empty bytes differ from absent ones even at the end of the record.
    this.#reserve(value.length + 1)
    scratch.set(value, offset)
    words[at >> 2] = offset - this.#record
    words[(at >> 2) + 1] = value.length
  }

  /** Makes room for the items of a list, 8 bytes each, and returns where. */
  #listAt(length: number, at: number): number {
    const offset = this.#end
    if (length === 0) return offset
    this.#reserve(length * 8)
    words[at >> 2] = offset - this.#record
    words[(at >> 2) + 1] = length
    return offset
  }

  /** Adds `size` zero bytes at the end, rounded up to 8. */
  #reserve(size: number): void {
    const begin = this.#end
    const end = begin + ((size + 7) & ~7)
    if (end > MAX_PLAN_SIZE) throw new Refusal('', `the plan is larger than ${MAX_PLAN_SIZE} bytes`, true)
    if (end > scratch.length) {
      const larger = Buffer.alloc(Math.max(end, scratch.length * 2))
      larger.set(scratch.subarray(0, begin))
      useScratch(larger)
    }
    words.fill(0, begin >> 2, end >> 2)
    this.#end = end
  }
}

function integer(name: string, value: unknown, at: number, signed: boolean): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Refusal(name, `${value} is no integer that a number can hold`)
    if (value < 0 && !signed) throw new Refusal(name, `${value} is negative`)
    words[at >> 2] = value
    words[(at >> 2) + 1] = Math.floor(value / 0x1_0000_0000)
    return
  }
  if (typeof value !== 'bigint') throw new Refusal(name, `wants an integer, not ${typeName(value)}`)
  if (value < (signed ? I64_MIN : 0n) || value > (signed ? I64_MAX : U64_MAX)) {
    throw new Refusal(name, `${value} does not fit in 64 bits`)
  }
  scratch.writeBigUInt64LE(BigInt.asUintN(64, value), at)
}
