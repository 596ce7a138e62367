import type { Pressure, PressureTimes } from './types.ts'

/** Texts of a cgroup's files, by name; undefined or empty: not there. */
export type Texts = Readonly<Record<string, string | undefined>>

/** `name value` lines. */
export function keyed(text: string | undefined): Record<string, number> {
  const result: Record<string, number> = {}
  for (const line of (text ?? '').split('\n')) {
    const space = line.indexOf(' ')
    if (space > 0) result[line.slice(0, space)] = Number(line.slice(space + 1))
  }
  return result
}

/** A file with one number; undefined if it is not there or has none. */
export function single(text: string | undefined): number | undefined {
  const trimmed = text?.trim()
  return trimmed && /^\d+$/.test(trimmed) ? Number(trimmed) : undefined
}

/** v1 has no word for "no limit": the highest multiple of the page size below 2⁶³, of whichever page size. */
const UNLIMITED = 2 ** 63 - 65_536

/** A limit: null for none. */
export function limitOf(text: string | undefined): number | null {
  const value = single(text)
  return value === undefined || value >= UNLIMITED ? null : value
}

/** Lists of numbers and ranges: `0-3,7`. */
export function numberList(text: string | undefined): number[] {
  const result: number[] = []
  for (const part of (text ?? '').trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (!match) continue
    for (let n = Number(match[1]); n <= Number(match[2] ?? match[1]); n++) result.push(n)
  }
  return result
}

/** The text of a .pressure file; undefined if the kernel does not count it. */
export function pressure(text: string | undefined): Pressure | undefined {
  const lines = new Map<string, PressureTimes>()
  for (const line of (text ?? '').split('\n')) {
    const match = /^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)/.exec(line)
    if (!match) continue
    const [, kind, avg10, avg60, avg300, total] = match
    lines.set(kind!, {
      avg10: Number(avg10),
      avg60: Number(avg60),
      avg300: Number(avg300),
      totalUs: Number(total),
    })
  }
  const some = lines.get('some')
  const full = lines.get('full')
  return some && { some, ...(full ? { full } : {}) }
}

/** The same without properties that are undefined. */
export function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T
}
