import { invalid } from './context.ts'

/** The highest number that a list may name: more than any kernel is built for. */
const HIGHEST = 65_535

/**
 * A list of numbers and ranges (`0-3,7`) as a bit mask: bit n of byte n/8, least significant first, padded to whole
 * 64-bit words.
 *
 * @throws ERR_OCI_CONFIG_INVALID with `path` for anything else
 */
export function cpuMask(list: string, path: string): Uint8Array {
  const ranges = list.split(',').map((part) => range(part.trim(), list, path))
  const highest = Math.max(...ranges.map(([, last]) => last))
  const mask = new Uint8Array((Math.floor(highest / 64) + 1) * 8)
  for (const [first, last] of ranges) {
    for (let n = first; n <= last; n++) mask[n >> 3]! |= 1 << (n & 7)
  }
  return mask
}

function range(part: string, list: string, path: string): [first: number, last: number] {
  const match = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(part)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match && first <= last && last <= HIGHEST) return [first, last]
  throw invalid(path, `Expected a list of numbers and ranges like "0-3,7", got "${list}"`)
}
