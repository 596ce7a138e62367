import { CLONE } from './constants.ts'
import { STEPS, type Step } from './steps.ts'
import type { Launch } from './types.ts'
import type { FieldSpec } from './wire.ts'

/** Where a step is carried out. */
export type Part = 'host' | 'init' | 'tail'

/** One step of a plan in a form that JSON can hold. */
export interface ExplainedStep {
  part: Part
  /** Place in the host's list, or in init's (which the tail goes on with): errors and traces name it. */
  index: number
  op: Step['op']
  /** The step's fields. Without what is left out or has its default; integers beyond 2⁵³ as text, bytes as text or by their number. */
  fields: Record<string, unknown>
  /** Errno values that are no failure. */
  ignore?: readonly number[]
  /** It is carried out only if the one before failed with such a value. */
  orElse?: true
  /** JSON pointer of the part of config.json that it comes from. */
  from?: string
}

/** A launch in a form that JSON can hold. */
export interface ExplainedPlan {
  /** CLONE_NEW* flags of the launching clone. */
  flags: number
  /** Names of those flags. */
  clone: string[]
  steps: ExplainedStep[]
  maps: Launch['maps']
  warnings: Launch['warnings']
}

/** A plan as plain data: what `oci-ts plan --json` prints. */
export function explainPlanJson(launch: Launch): ExplainedPlan {
  const { host, init, tail, flags, maps, warnings } = launch
  const begin = tail < 0 ? init.length : tail
  return {
    flags,
    clone: cloneNames(flags),
    steps: [
      ...host.map((step, index) => explain(step, 'host', index)),
      ...init.map((step, index) => explain(step, index < begin ? 'init' : 'tail', index)),
    ],
    maps,
    warnings,
  }
}

/** A plan as text for people, one line a step with its place in config.json: what `oci-ts plan` prints. */
export function explainPlan(launch: Launch): string {
  const { clone, steps, maps, warnings } = explainPlanJson(launch)
  const lines: string[] = []
  let part: Part | undefined
  const launched = clone.length > 0 ? ` in new namespaces: ${clone.join(' ')}` : ''
  const titles = {
    host: 'host (the caller)',
    init: `init${launched}`,
    tail: 'tail (after start)',
  } as const
  for (const step of steps) {
    if (step.part !== part) lines.push(titles[step.part])
    part = step.part
    lines.push(line(step))
  }
  for (const [kind, map] of [
    ['uid', maps?.uid],
    ['gid', maps?.gid],
  ] as const) {
    for (const { containerID, hostID, size } of map ?? []) {
      lines.push(`${kind} map: ${containerID} ${hostID} ${size}`)
    }
  }
  for (const { path, message } of warnings) lines.push(`warning: ${message}  [${path}]`)
  return `${lines.join('\n')}\n`
}

/** Names of CLONE_NEW* flags, without the `CLONE_`. */
export function cloneNames(flags: number): string[] {
  return Object.entries(CLONE)
    .filter(([, flag]) => flags & flag)
    .map(([name]) => name)
}

function line({ index, op, fields, ignore, orElse, from }: ExplainedStep): string {
  const words = Object.entries(fields).map(([name, value]) =>
    value === true ? name : `${name}=${show(value, name)}`,
  )
  if (ignore?.length) words.push(`(errno ${ignore.join(', ')} is no failure)`)
  const place = String(index).padStart(4)
  const text = `${place}  ${orElse ? 'or else ' : ''}${op} ${words.join(' ')}`.trimEnd()
  return from === undefined ? text : `${text}  [${from}]`
}

/** Fields whose bits have names in the kernel's headers. */
const BITS =
  /^(flags|attrs|attrSet|attrClr|recSet|recClr|type|bounding|effective|permitted|inheritable|ambient)$/

function show(value: unknown, name: string): string {
  if (typeof value === 'number' && (name === 'mode' || name === 'umask')) return `0${value.toString(8)}`
  if (typeof value === 'number' && BITS.test(name)) return `0x${value.toString(16)}`
  if (typeof value === 'string') return /^[\w./:=%@,+-]+$/.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value)
}

function explain(step: Step, part: Part, index: number): ExplainedStep {
  const { ignore, orElse, from } = step
  return {
    part,
    index,
    op: step.op,
    fields: stepFields(step),
    ...(ignore?.length ? { ignore } : {}),
    ...(orElse ? { orElse } : {}),
    ...(from ? { from } : {}),
  }
}

/** The fields of a step that say something: without optional ones at their default. */
export function stepFields(step: Step): Record<string, unknown> {
  const table: Readonly<Record<string, FieldSpec>> = STEPS[step.op].fields
  const fields: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(table)) {
    const value = (step as unknown as Record<string, unknown>)[name]
    if (value === undefined || (spec.endsWith('?') && isDefault(value, spec))) continue
    fields[name] = plain(value, name)
  }
  return fields
}

function isDefault(value: unknown, spec: FieldSpec): boolean {
  if (spec === 'slot?') return false
  if (value === 0 || value === 0n || value === false || value === '') return true
  return (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0
}

function plain(value: unknown, name: string): unknown {
  if (value instanceof Uint8Array) {
    const text =
      name === 'filter' || name === 'insns' || name === 'mask' || name === 'nodes' || name === 'plan'
    return text ? `${value.length} bytes` : new TextDecoder().decode(value)
  }
  if (typeof value === 'bigint') return value <= Number.MAX_SAFE_INTEGER ? Number(value) : `${value}`
  return Array.isArray(value) ? value.map((entry) => plain(entry, name)) : value
}
