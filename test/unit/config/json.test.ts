import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { formatJson } from '../../../lib/config/format.ts'
import { MAX_JSON_DEPTH, parseJson } from '../../../lib/config/json.ts'
import { OciError } from '../../../lib/errors.ts'

/** What JSON.parse makes of the same text: integers that it rounds, rounded. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, rounded(entry)]))
}

/** Sends a text to the careful parser, which JSON.parse otherwise spares. */
const carefully = (text: string): unknown => (parseJson(`[${text},9007199254740993]`) as unknown[])[0]

function failure(text: string): OciError {
  try {
    parseJson(text)
  } catch (error) {
    if (error instanceof OciError) return error
  }
  throw new Error('no OciError was thrown')
}

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(rounded(carefully(text))).toEqual(JSON.parse(text))
        expect(rounded(parseJson(text))).toEqual(JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  it('refuses what JSON.parse refuses', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u00e9',
      'a',
      '1',
      '-',
      '.5',
      'e3',
      '01',
      'null',
    ]
    const noise = fc.array(fc.constantFrom(...pieces, 'true', ' ', '\n', '\t', '\u0001', '\u00a0', '"k":'))
    fc.assert(
      fc.property(noise, (parts) => {
        const text = parts.join('')
        let expected: unknown
        try {
          expected = JSON.parse(text)
        } catch {
          expect(failure(text).code).toBe('ERR_OCI_CONFIG_SYNTAX')
          return
        }
        expect(rounded(parseJson(text))).toEqual(expected)
        expect(rounded(carefully(text))).toEqual(expected)
      }),
      { numRuns: 3000 },
    )
  })

  test.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740991', -9007199254740991],
    ['-9007199254740993', -9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
    ['-9223372036854775808', -9223372036854775808n],
    ['123456789012345678901234567890', 123456789012345678901234567890n],
    ['0.1234567890123456789', 0.12345678901234568],
    ['18446744073709551615.0', 18446744073709552000],
    ['1e300', 1e300],
    ['1E-400', 0],
    ['-0', -0],
  ])('%s', (text, value) => expect(parseJson(text)).toBe(value))

  it('takes the last of equal keys, and __proto__ for a key', () => {
    for (const read of [parseJson, carefully]) {
      expect(read('{"a":1,"a":{"b":2}}')).toEqual({ a: { b: 2 } })
      const value = read('{"__proto__":{"polluted":1},"constructor":2}') as object
      expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect('polluted' in value).toBe(false)
    }
    expect('polluted' in {}).toBe(false)
  })

  it('skips a byte order mark, once', () => {
    expect(parseJson('\ufeff{"a":1}')).toEqual({ a: 1 })
    expect(failure('\ufeff\ufeff1').message).toMatch(/^line 1, column 1/)
  })

  test.each([
    ['', '', 'line 1, column 1: expected a value, got the end of the text'],
    ['{"a":1,}', '', 'line 1, column 8: expected a property name in double quotes, got "}"'],
    ["{'a':1}", '', 'line 1, column 2: expected a property name in double quotes, got "\'"'],
    ['{"a" 1}', '/a', 'line 1, column 6: expected \':\', got "1"'],
    ['{\n\t"a": [1,\n\t2 3]\n}', '/a', "line 3, column 4: expected ',' or ']', got \"3\""],
    ['{"a": {"b/c": [0, nul]}}', '/a/b~1c/1', 'line 1, column 19: expected a value, got "n"'],
    ['[1] // x', '', 'line 1, column 5: expected the end of the text, got "/"'],
    ['["a\nb"]', '/0', 'line 1, column 4: expected no bare control character in a string, got "\\n"'],
    ['["a', '/0', 'line 1, column 4: expected a closing quote, got the end of the text'],
    ['["\\x"]', '/0', /one of .* after the backslash, got "x"/],
    ['["\\u12g4"]', '/0', /four hexadecimal digits after \\u, got "1"/],
    ['[01]', '', "line 1, column 3: expected ',' or ']', got \"1\""],
    ['[1e400]', '/0', 'line 1, column 2: expected a number below 1.8e308, got "1"'],
    [`[${'9'.repeat(5000)}]`, '/0', /an integer of at most 4096 digits/],
    ['[NaN]', '/0', /a value, got "N"/],
    ['["😀" 😀]', '', "line 1, column 7: expected ',' or ']', got \"😀\""],
  ])('%s fails with its place', (text, path, message) => {
    const error = failure(text)
    expect(error.code).toBe('ERR_OCI_CONFIG_SYNTAX')
    expect(error.path).toBe(path)
    if (typeof message === 'string') expect(error.message).toBe(message)
    else expect(error.message).toMatch(message)
  })

  it('bounds the depth', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(() => parseJson(nested(MAX_JSON_DEPTH))).not.toThrow()
    expect(failure(nested(MAX_JSON_DEPTH + 1)).message).toMatch(/at most 512 nested/)
    expect(failure(nested(1_000_000)).message).toMatch(/at most 512 nested/)
    expect(failure('{"a":'.repeat(100_000)).message).toMatch(/at most 512 nested/)
  })
})

describe('formatJson', () => {
  const values = fc.jsonValue({ maxDepth: 5 })

  it('writes what JSON.stringify writes', () => {
    fc.assert(
      fc.property(values, fc.constantFrom('\t', '  ', ''), (value, indent) => {
        expect(formatJson(value, indent)).toBe(JSON.stringify(value, undefined, indent))
      }),
      { numRuns: 500 },
    )
  })

  it('writes what parseJson reads back, 64-bit integers too', () => {
    const wide = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        wide,
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('value')),
      map: fc.dictionary(fc.string(), tie('value')),
    })).value
    const normal = (value: unknown): unknown => {
      if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
      if (Array.isArray(value)) return value.map(normal)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, normal(entry)]))
    }
    fc.assert(
      fc.property(tree, (value) => {
        expect(parseJson(formatJson(value))).toEqual(normal(value))
      }),
      { numRuns: 500 },
    )
  })

  it('indents by tabs, as runc does', () => {
    expect(formatJson({ a: [1n, {}], b: [], c: undefined })).toBe(
      '{\n\t"a": [\n\t\t1,\n\t\t{}\n\t],\n\t"b": []\n}',
    )
  })

  it('asks toJSON, and refuses what is no JSON', () => {
    expect(formatJson([new Date(0), undefined])).toBe('[\n\t"1970-01-01T00:00:00.000Z",\n\tnull\n]')
    expect(() => formatJson(undefined)).toThrow(TypeError)
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    expect(() => formatJson(cyclic)).toThrow(/cyclic/)
  })
})
