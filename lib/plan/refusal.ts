/** A wrong step, before it is known where in the plan. */
export class Refusal extends Error {
  readonly field: string
  readonly fromConfig: boolean
  constructor(field: string, message: string, fromConfig = false) {
    super(message)
    this.field = field
    this.fromConfig = fromConfig
  }
}

export function checkList(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Refusal(name, `wants a list, not ${typeName(value)}`)
  return value
}

export function checkBool(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Refusal(name, `wants true or false, not ${typeName(value)}`)
  return value
}

export function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}
