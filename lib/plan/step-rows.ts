import { STEPS } from './steps.ts'
import type { FieldKind } from './wire.ts'

/** A field of a step, as the encoder looks at it. */
export interface Field {
  name: string
  kind: FieldKind
  optional: boolean
}

/** A step of the table, as the encoder looks at it. */
export interface Row {
  op: number
  fields: readonly Field[]
  names: ReadonlySet<string>
}

const COMMON = ['op', 'ignore', 'orElse', 'from']

/** The step table by name. */
export const rows = new Map<string, Row>()
for (const [name, { op, fields }] of Object.entries(STEPS)) {
  const list = Object.entries<string>(fields).map(([field, spec]) => {
    const optional = spec.endsWith('?')
    return { name: field, kind: (optional ? spec.slice(0, -1) : spec) as FieldKind, optional }
  })
  rows.set(name, { op, fields: list, names: new Set([...COMMON, ...list.map((field) => field.name)]) })
}
