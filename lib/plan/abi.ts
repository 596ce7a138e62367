import { STEPS } from './steps.ts'
import { SYSCALLS } from './syscalls.ts'
import type { StepSpec } from './wire.ts'

/** The step table as text, one line a step in the order of their numbers, and the list of calls: what is hashed. */
export function stepTableText(): string {
  const rows = Object.entries<StepSpec>(STEPS).sort(([, a], [, b]) => a.op - b.op)
  const lines = rows.map(([name, { op, fields }]) => {
    const list = Object.entries(fields).map(([field, kind]) => `${field}:${kind}`)
    return `${op} ${name}(${list.join(',')})\n`
  })
  return `${lines.join('')}${SYSCALLS.join(' ')}\n`
}

/** FNV-1a, 32 bits, of a text's UTF-8 bytes. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

let abi: number | undefined

/** The hash of the step table: an interpreter takes only plans of its own table. */
export function planAbi(): number {
  abi ??= fnv1a32(stepTableText())
  return abi
}
