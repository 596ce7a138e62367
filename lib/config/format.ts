import { MAX_JSON_DEPTH } from './json.ts'

/**
 * Writes a value as JSON that {@link parseJson} reads back without loss: a `bigint` is written as an integer. Otherwise
 * as `JSON.stringify`: properties that are undefined, and functions, are left out.
 *
 * @param indent what each level is indented by, a tab by default; `''` puts all on one line
 * @throws TypeError if the value is cyclic or nested deeper than 512 levels, or is no JSON value at all
 */
export function formatJson(value: unknown, indent = '\t'): string {
  const text = write(value, '', '\n', indent, 0)
  if (text === undefined) throw new TypeError(`${typeof value} is no JSON value`)
  return text
}

function write(value: unknown, key: string, line: string, indent: string, depth: number): string | undefined {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') return write(toJSON.call(value, key), key, line, indent, depth + 1)
  if (depth >= MAX_JSON_DEPTH) throw new TypeError(`cyclic, or nested deeper than ${MAX_JSON_DEPTH} levels`)
  const inner = line + indent
  const parts: string[] = []
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) {
      parts.push(write(entry, String(index), inner, indent, depth + 1) ?? 'null')
    }
  } else {
    const colon = indent === '' ? ':' : ': '
    for (const [name, entry] of Object.entries(value)) {
      const text = write(entry, name, inner, indent, depth + 1)
      if (text !== undefined) parts.push(`${JSON.stringify(name)}${colon}${text}`)
    }
  }
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  if (parts.length === 0) return open + close
  return indent === ''
    ? `${open}${parts.join(',')}${close}`
    : `${open}${inner}${parts.join(`,${inner}`)}${line}${close}`
}
