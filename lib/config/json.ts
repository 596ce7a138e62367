import { OciError } from '../errors.ts'
import { child } from './pointer.ts'

/** Deepest nesting of arrays and objects that is read or written: it bounds the stack. */
export const MAX_JSON_DEPTH = 512

/** Longest integer that is read, in digits: making a bigint costs more than linear time. */
const MAX_DIGITS = 4096

/** What `JSON.parse` would lose or turn into Infinity. Digits inside strings match too; that only costs time. */
const NEEDS_CARE = /\d{16}|[eE]\+?\d{3}/

/**
 * Parses JSON (RFC 8259) without losing integers: one beyond ±(2⁵³-1) becomes a `bigint`, every other number a `number`.
 * Otherwise as `JSON.parse`: of equal keys the last wins, and `__proto__` is a key like any other. A leading byte order
 * mark is skipped.
 *
 * @throws OciError `ERR_OCI_CONFIG_SYNTAX` with line and column in the message and the value's JSON pointer as `path`
 */
export function parseJson(text: string): unknown {
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  if (!NEEDS_CARE.test(source)) {
    try {
      const value: unknown = JSON.parse(source)
      if (isShallow(value, MAX_JSON_DEPTH)) return value
    } catch {
      // The parser below says where and what.
    }
  }
  return new Parser(source).document()
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  for (const key in value) {
    if (!isShallow((value as Record<string, unknown>)[key], depth - 1)) return false
  }
  return true
}

const SPACE = /[ \t\n\r]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const PLAIN = /[^"\\\u0000-\u001f]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const HEX = /[0-9a-fA-F]{4}/y
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

class Parser {
  private at = 0
  private depth = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  document(): unknown {
    const value = this.value('')
    this.match(SPACE)
    if (this.at < this.text.length) this.fail('', 'the end of the text')
    return value
  }

  private value(path: string): unknown {
    this.match(SPACE)
    switch (this.text[this.at]) {
      case '{':
        return this.nest(path, '}', () => this.object(path))
      case '[':
        return this.nest(path, ']', () => this.array(path))
      case '"':
        return this.string(path)
      case 't':
        return this.word('true', true, path)
      case 'f':
        return this.word('false', false, path)
      case 'n':
        return this.word('null', null, path)
      default:
        return this.number(path)
    }
  }

  private nest<T>(path: string, end: string, content: () => T): T {
    if (++this.depth > MAX_JSON_DEPTH) this.fail(path, `at most ${MAX_JSON_DEPTH} nested arrays and objects`)
    this.at++
    const value = content()
    if (this.text[this.at] !== end) this.fail(path, `',' or '${end}'`)
    this.at++
    this.depth--
    return value
  }

  private object(path: string): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    this.match(SPACE)
    if (this.text[this.at] === '}') return object
    for (;;) {
      this.match(SPACE)
      if (this.text[this.at] !== '"') this.fail(path, 'a property name in double quotes')
      const key = this.string(path)
      this.match(SPACE)
      const inside = child(path, key)
      if (this.text[this.at] !== ':') this.fail(inside, "':'")
      this.at++
      const value = this.value(inside)
      if (key === '__proto__') {
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      } else {
        object[key] = value
      }
      this.match(SPACE)
      if (this.text[this.at] !== ',') return object
      this.at++
    }
  }

  private array(path: string): unknown[] {
    const array: unknown[] = []
    this.match(SPACE)
    if (this.text[this.at] === ']') return array
    for (;;) {
      array.push(this.value(child(path, array.length)))
      this.match(SPACE)
      if (this.text[this.at] !== ',') return array
      this.at++
    }
  }

  private string(path: string): string {
    this.at++
    let value = this.match(PLAIN)
    while (this.text[this.at] === '\\') {
      this.at++
      const letter = this.text[this.at] ?? ''
      if (letter === 'u') {
        this.at++
        const digits = this.match(HEX)
        if (digits === '') this.fail(path, 'four hexadecimal digits after \\u')
        value += String.fromCharCode(Number.parseInt(digits, 16))
      } else {
        const character = ESCAPES[letter]
        if (character === undefined)
          this.fail(path, 'an escape: one of " \\ / b f n r t u after the backslash')
        this.at++
        value += character
      }
      value += this.match(PLAIN)
    }
    if (this.text[this.at] !== '"') {
      this.fail(
        path,
        this.at < this.text.length ? 'no bare control character in a string' : 'a closing quote',
      )
    }
    this.at++
    return value
  }

  private number(path: string): number | bigint {
    NUMBER.lastIndex = this.at
    const match = NUMBER.exec(this.text)
    if (match === null) return this.fail(path, 'a value')
    const [token, fraction, exponent] = match
    const value = Number(token)
    if (fraction === undefined && exponent === undefined && !Number.isSafeInteger(value)) {
      if (token.length > MAX_DIGITS) this.fail(path, `an integer of at most ${MAX_DIGITS} digits`)
      this.at += token.length
      return BigInt(token)
    }
    if (!Number.isFinite(value)) this.fail(path, 'a number below 1.8e308')
    this.at += token.length
    return value
  }

  private word<T>(word: string, value: T, path: string): T {
    if (!this.text.startsWith(word, this.at)) this.fail(path, 'a value')
    this.at += word.length
    return value
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0] ?? ''
    this.at += found.length
    return found
  }

  private fail(path: string, expected: string): never {
    const lines = this.text.slice(0, this.at).split('\n')
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
    const rest = Array.from(this.text.slice(this.at, this.at + 2))[0]
    const got = rest === undefined ? 'the end of the text' : JSON.stringify(rest)
    throw new OciError('ERR_OCI_CONFIG_SYNTAX', `${place}: expected ${expected}, got ${got}`, { path })
  }
}
