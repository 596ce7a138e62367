/** What stands for a name that is filled in later: text that no config has by accident. */
export type Hole = string

/** Makes the value with a name in place of the hole. */
export type Fill<T> = (name: string) => T

let serial = 0

/** A new hole. */
export function makeHole(): Hole {
  return `hole.${Math.random().toString(36).slice(2)}.${Math.random().toString(36).slice(2)}.${serial++}`
}

/**
 * A function that makes `value` anew with a name in place of the hole, or null if the hole is nowhere in it: then the
 * value itself serves for every name. Objects and lists are copied only where they hold the hole.
 *
 * @param value plain data
 * @throws RangeError where the hole is in bytes: their length may be recorded elsewhere
 */
export function fillOf<T>(value: T, hole: Hole): Fill<T> | null {
  return fillOfAny(value, hole) as Fill<T> | null
}

function fillOfAny(value: unknown, hole: Hole): Fill<unknown> | null {
  if (typeof value === 'string') {
    const parts = value.split(hole)
    return parts.length === 1 ? null : (name) => parts.join(name)
  }
  if (typeof value !== 'object' || value === null) return null
  if (value instanceof Uint8Array) {
    if (Buffer.from(value.buffer, value.byteOffset, value.length).includes(hole))
      throw new RangeError('bytes hold the name')
    return null
  }
  return Array.isArray(value) ? fillOfList(value, hole) : fillOfObject(value as Record<string, unknown>, hole)
}

function fillOfList(list: readonly unknown[], hole: Hole): Fill<unknown> | null {
  const fills = list.map((item) => fillOfAny(item, hole))
  if (fills.every((fill) => fill === null)) return null
  return (name) => list.map((item, index) => fills[index]?.(name) ?? item)
}

function fillOfObject(object: Record<string, unknown>, hole: Hole): Fill<unknown> | null {
  const fills: [key: string, fill: Fill<unknown>][] = []
  for (const [key, item] of Object.entries(object)) {
    const fill = fillOfAny(item, hole)
    if (fill !== null) fills.push([key, fill])
  }
  if (fills.length === 0) return null
  return (name) => {
    const copy = { ...object }
    for (const [key, fill] of fills) copy[key] = fill(name)
    return copy
  }
}
