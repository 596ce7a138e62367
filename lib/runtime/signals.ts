import { constants } from 'node:os'
import { OciError } from '../errors.ts'

const NUMBERS = constants.signals as Readonly<Record<string, number>>
const NAMES = new Map<number, string>()
// Several names share a number; the kernel's own comes first in signal(7).
const ALIASES = new Set(['SIGIOT', 'SIGPOLL', 'SIGUNUSED'])
for (const [name, number] of Object.entries(NUMBERS)) if (!ALIASES.has(name)) NAMES.set(number, name)

/** First and last real-time signal as glibc counts them (32 and 33 belong to its threads). */
const RTMIN = 34
const RTMAX = 64

/**
 * The number of a signal: of `'SIGTERM'`, `'term'`, `'TERM'`, `'15'`, `15`, `'RTMIN+3'` or `'SIGRTMAX-1'`.
 *
 * @param zero whether 0 (a test that the process is there) is allowed
 * @throws `ERR_OCI_OPTION_INVALID` for anything else
 */
export function signalNumber(signal: string | number, zero = false): number {
  const number = typeof signal === 'number' ? signal : parse(signal)
  if (Number.isInteger(number) && number <= RTMAX && number >= (zero ? 0 : 1)) return number
  throw new OciError(
    'ERR_OCI_OPTION_INVALID',
    `signal: expected a name as 'SIGTERM' or a number from 1 to ${RTMAX}, got ${JSON.stringify(signal)}`,
  )
}

function parse(text: unknown): number {
  if (typeof text !== 'string') return Number.NaN
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const name = text.toUpperCase().replace(/^SIG/, '')
  const known = NUMBERS[`SIG${name}`]
  if (known !== undefined) return known
  const real = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (real === null) return Number.NaN
  const number = (real[1] === 'MIN' ? RTMIN : RTMAX) + (real[2] === '-' ? -1 : 1) * Number(real[3] ?? 0)
  return number >= RTMIN ? number : Number.NaN
}

/** The name of a signal's number: `9` → `SIGKILL`, `37` → `SIGRTMIN+3`. */
export function signalName(number: number): string {
  const name = NAMES.get(number)
  if (name !== undefined) return name
  return number >= RTMIN && number <= RTMAX ? `SIGRTMIN+${number - RTMIN}` : `SIG${number}`
}
