import { OciError } from '../errors.ts'

/** Something in a config that is not wrong but probably not meant. */
export interface ConfigWarning {
  /** JSON pointer of the value. */
  readonly path: string
  /** What is the matter, and what is done about it. */
  readonly message: string
}

/** Gets what {@link ConfigWarning}s there are. */
export type OnWarning = (warning: ConfigWarning) => void

/**
 * The error for a value that breaks a rule.
 *
 * @param path JSON pointer of the value
 * @param expected what would be right: "an absolute path"
 * @param got the value, or (where the value alone would tell nothing) a {@link Wording} of what is wrong
 * @param hint what a person can do
 */
export function invalid(path: string, expected: string, got: unknown, hint?: string): OciError {
  const message = `${path === '' ? 'the document' : path}: expected ${expected}, got ${show(got)}`
  return new OciError('ERR_OCI_CONFIG_INVALID', message, { path, hint })
}

/** Words for an error message that stand for a value. */
export class Wording {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const LONGEST = 80

/** A value for an error message: short, on one line, and with nothing that a terminal would obey. */
export function show(value: unknown): string {
  if (value instanceof Wording) return value.text
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty array' : `an array of ${value.length}`
  }
  switch (typeof value) {
    case 'object':
      return value === null ? 'null' : 'an object'
    case 'string': {
      const short = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value
      return JSON.stringify(short).replace(
        /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
        (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    }
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value).slice(0, LONGEST)
    default:
      return `a ${typeof value}`
  }
}
