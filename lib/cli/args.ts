import { suggest } from '../config/suggest.ts'
import { parseDuration } from './duration.ts'
import { UsageError } from './usage.ts'

/** One flag of a command. */
export interface Flag {
  /** `list` and `int-list` may be given often; a `duration` (`1m30s`, `500ms`) comes in milliseconds. */
  type: 'bool' | 'string' | 'list' | 'int' | 'int-list' | 'duration'
  /** One-letter form, without its dash. */
  short?: string
  /** What it does, for `--help`. */
  help: string
  /** Name of the value, for `--help`. */
  value?: string
  /** Accepted, but not listed: flags of other runtimes and of the past. */
  hidden?: boolean
}

/** The flags of a command, by their long names. */
export type Flags = Readonly<Record<string, Flag>>

/** Values of the flags that were given. */
export type FlagValues<F extends Flags> = {
  [K in keyof F]?: FlagTypes[F[K]['type']]
}

interface FlagTypes {
  bool: boolean
  string: string
  list: string[]
  int: number
  'int-list': number[]
  duration: number
}

/** A command line, taken apart. */
export interface Parsed<F extends Flags> {
  flags: FlagValues<F>
  /** What is left: the positionals. */
  rest: string[]
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/**
 * Takes a command line apart as runc's does: `--flag value`, `--flag=value`, `-flag`, `-f value`, `--bool`,
 * `--bool=false`, `--` ends the flags. Flags come before the first positional if `inOrder` (`exec ID CMD -c x` must not
 * eat `-c`), and anywhere else otherwise.
 *
 * @throws UsageError
 */
export function parseArgs<F extends Flags>(args: readonly string[], flags: F, inOrder: boolean): Parsed<F> {
  const values: Record<string, unknown> = {}
  const rest: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!
    if (arg === '--') {
      rest.push(...args.slice(index + 1))
      break
    }
    if (!arg.startsWith('-') || arg === '-') {
      if (inOrder) {
        rest.push(...args.slice(index))
        break
      }
      rest.push(arg)
      continue
    }
    const text = arg.replace(/^--?/, '')
    const equals = text.indexOf('=')
    const given = equals < 0 ? text : text.slice(0, equals)
    const name = longName(given, flags)
    const flag = flags[name]!
    if (flag.type === 'bool') {
      values[name] = equals < 0 ? true : parseBool(given, text.slice(equals + 1))
      continue
    }
    if (equals < 0 && index + 1 >= args.length) throw new UsageError(`flag needs an argument: -${given}`)
    const value = equals < 0 ? args[++index]! : text.slice(equals + 1)
    const parsed = parseValue(flag, given, value)
    if (flag.type.endsWith('list'))
      values[name] = [...((values[name] as unknown[] | undefined) ?? []), parsed]
    else values[name] = parsed
  }
  return { flags: values as FlagValues<F>, rest }
}

function longName(given: string, flags: Flags): string {
  if (Object.hasOwn(flags, given)) return given
  for (const [name, flag] of Object.entries(flags)) if (flag.short === given) return name
  const meant = suggest(given, Object.keys(flags))
  throw new UsageError(
    `flag provided but not defined: -${given}${meant === undefined ? '' : ` (did you mean --${meant}?)`}`,
  )
}

function parseValue({ type }: Flag, name: string, text: string): unknown {
  if (type.startsWith('int')) return parseInteger(name, text)
  if (type !== 'duration') return text
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new UsageError(`invalid value "${text}" for flag -${name}: parse error`)
}

function parseInteger(name: string, text: string): number {
  const value = Number(text)
  if (/^[-+]?\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new UsageError(`invalid value "${text}" for flag -${name}: parse error`)
}

function parseBool(name: string, text: string): boolean {
  if (TRUE.has(text)) return true
  if (FALSE.has(text)) return false
  throw new UsageError(`invalid boolean value "${text}" for -${name}`)
}
