import type { SchemaError } from '../../types/generated/validate.ts'
import type { OciError } from '../errors.ts'
import { child, lookUp } from './pointer.ts'
import { invalid } from './problem.ts'
import { suggest } from './suggest.ts'

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  array: 'an array',
  object: 'an object',
}

const RANGES: Readonly<Record<string, string>> = {
  int64: 'a whole number from -9223372036854775808 to 9223372036854775807',
  uint64: 'a whole number from 0 to 18446744073709551615',
}

/**
 * What the generated validator found, as an error for people.
 *
 * @param root the value that was validated
 * @param base JSON pointer of that value in its document
 */
export function explain(error: SchemaError, root: unknown, base: string): OciError {
  const { keyword, params } = error
  let pointer = error.instancePath
  if (keyword === 'required') pointer = child(pointer, String(params.missingProperty))
  const got = lookUp(root, pointer)
  const [expected, hint] = expectation(keyword, params, got)
  return invalid(base + pointer, expected, got, hint)
}

function expectation(
  keyword: string,
  params: Readonly<Record<string, unknown>>,
  got: unknown,
): [expected: string, hint?: string | undefined] {
  switch (keyword) {
    case 'required':
      return ['a value: the property is required']
    case 'type':
      return [TYPES[String(params.type)] ?? `a ${params.type}`, unquote(String(params.type), got)]
    case 'enum': {
      const allowed = (params.allowedValues as unknown[]).map(String)
      const meant = typeof got === 'string' ? suggest(got, allowed) : undefined
      return [`one of ${allowed.join(', ')}`, meant === undefined ? undefined : `Did you mean ${meant}?`]
    }
    case 'pattern':
      return [`text of the form ${params.pattern}`]
    case 'minimum':
      return [`at least ${params.limit}`]
    case 'maximum':
      return [`at most ${params.limit}`]
    case 'minItems':
      return [`an array of at least ${params.limit}`]
    case 'text':
      return ['text without NUL bytes']
    case 'int64':
    case 'uint64':
      return [RANGES[keyword]!, wide(got)]
    default:
      return [`a value that satisfies ${keyword}`]
  }
}

/** Numbers and booleans in quotes are the most frequent mistake in configs written by hand. */
function unquote(type: string, got: unknown): string | undefined {
  if (typeof got !== 'string') return undefined
  if (type === 'boolean' && /^(true|false)$/.test(got)) return 'Write it without quotes.'
  if ((type === 'integer' || type === 'number') && /^-?\d+$/.test(got)) return 'Write it without quotes.'
  return undefined
}

function wide(got: unknown): string | undefined {
  if (typeof got === 'number' && Number.isInteger(got))
    return 'In a program, write large values as a bigint: 1n.'
  return unquote('integer', got)
}
