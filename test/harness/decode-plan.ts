import { type Plan, STEPS, type Step } from '../../lib/plan/steps.ts'
import {
  NO_SLOT,
  PLAN_HEADER_SIZE,
  PLAN_TRACE,
  RECORD_HEADER_SIZE,
  RECORD_OR_ELSE,
  type StepSpec,
} from '../../lib/plan/wire.ts'

const ROWS = new Map(
  Object.entries<StepSpec>(STEPS).map(([name, { op, fields }]) => [
    op,
    { name, fields: Object.entries(fields) },
  ]),
)

/** A plan in its binary form, taken apart: the other way round than `encodePlan`. `from` is not in there. */
export function decodePlan(bytes: Uint8Array): { steps: Plan; trace: boolean } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const steps: Step[] = []
  const count = buffer.readUInt32LE(12)
  for (let at = PLAN_HEADER_SIZE; steps.length < count; at += buffer.readUInt32LE(at)) {
    steps.push(decodeRecord(buffer.subarray(at, at + buffer.readUInt32LE(at))))
  }
  return { steps, trace: (buffer.readUInt32LE(16) & PLAN_TRACE) !== 0 }
}

function decodeRecord(record: Buffer): Step {
  const row = ROWS.get(record.readUInt16LE(4))
  if (row === undefined) throw new Error(`there is no operation ${record.readUInt16LE(4)}`)
  const step: Record<string, unknown> = { op: row.name }
  const ignore = [0, 1, 2, 3].map((index) => record.readUInt16LE(8 + index * 2)).filter((errno) => errno > 0)
  if (ignore.length > 0) step.ignore = ignore
  if (record.readUInt16LE(6) & RECORD_OR_ELSE) step.orElse = true
  for (const [index, [name, spec]] of row.fields.entries()) {
    const value = decodeField(record, RECORD_HEADER_SIZE + index * 8, spec.replace('?', ''))
    if (value !== undefined) step[name] = value
  }
  return step as unknown as Step
}

/** undefined: the field was left out. */
function decodeField(record: Buffer, at: number, kind: string): unknown {
  const low = record.readUInt32LE(at)
  if (kind === 'u64') return small(record.readBigUInt64LE(at))
  if (kind === 'i64') return small(record.readBigInt64LE(at))
  if (kind === 'bool') return low === 1
  if (kind === 'slot') return low === NO_SLOT ? undefined : low
  if (low === 0) return kind.endsWith('s') && kind !== 'bytes' ? [] : undefined
  const data = record.subarray(low)
  const length = record.readUInt32LE(at + 4)
  if (kind === 'str') return data.toString('utf8', 0, length)
  if (kind === 'bytes') return new Uint8Array(data.subarray(0, length))
  return Array.from({ length }, (_, index) =>
    decodeField(record, low + index * 8, kind === 'strs' ? 'str' : 'u64'),
  )
}

function small(value: bigint): number | bigint {
  return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value
}
