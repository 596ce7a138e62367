import { invalid, Wording } from './problem.ts'

/** Longest path that the kernel takes, in bytes, without the terminating NUL (PATH_MAX). */
const LONGEST_PATH = 4095

/** Number of bytes of a text in UTF-8, as the kernel gets it. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text)
}

/** A path that is not empty and not too long for the kernel. */
export function checkPath(value: string, pointer: string, expected = 'a path'): void {
  if (value === '') throw invalid(pointer, expected, value)
  const length = byteLength(value)
  if (length > LONGEST_PATH) {
    throw invalid(pointer, `${expected} of at most ${LONGEST_PATH} bytes`, new Wording(`${length} bytes`))
  }
}

/** A path that starts at `/`. */
export function checkAbsolutePath(value: string, pointer: string, hint?: string): void {
  if (!value.startsWith('/')) throw invalid(pointer, 'an absolute path', value, hint)
  checkPath(value, pointer, 'an absolute path')
}

/**
 * A list of numbers and ranges as the kernel writes sets of CPUs and memory nodes (cpuset(7)): `0-3,7`.
 *
 * @param what what the numbers stand for: `CPUs`
 * @returns how many there are; overlapping ones count twice
 */
export function checkNumberList(value: string, pointer: string, what: string): number {
  let count = 0
  for (const part of value.split(/[\s,]+/)) {
    if (part === '') continue
    const [, first, last] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part) ?? []
    if (first === undefined) throw invalid(pointer, `a list of ${what} like "0-3,7"`, value)
    const length = last === undefined ? 1 : Number(last) - Number(first) + 1
    if (length < 1) throw invalid(pointer, `ranges of ${what} from low to high`, value)
    count += length
  }
  return count
}

/** A text for one line of a kernel file. */
export function checkOneLine(value: string, pointer: string): void {
  if (value.includes('\n')) throw invalid(pointer, 'a text without line breaks', value)
}

/**
 * The name of a network interface: 1 to 15 bytes, no white space, no `/` nor `:` (the kernel's dev_valid_name).
 *
 * @param pattern whether it may hold one `%d`, which the kernel replaces by a free number
 */
export function checkInterfaceName(name: string, pointer: string, pattern = false): void {
  const wellFormed = /^[^\s/:]+$/.test(name) && byteLength(name) <= 15 && name !== '.' && name !== '..'
  if (!wellFormed || name.includes('\0')) {
    throw invalid(pointer, "an interface name of 1 to 15 bytes without '/', ':' and white space", name)
  }
  const places = name.split('%')
  if (pattern && (places.length > 2 || (places.length === 2 && !places[1]!.startsWith('d')))) {
    throw invalid(pointer, "an interface name with at most one '%', followed by d", name)
  }
}
