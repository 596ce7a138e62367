import { MAP_PROPERTIES } from '../../types/generated/validate.ts'
import { MAX_JSON_DEPTH } from './json.ts'
import { invalid, Wording } from './problem.ts'

/**
 * A copy of a value without the properties that are null. Programs in Go write null for what is not set, and every runtime
 * takes it so. Entries of arrays and of maps (`annotations`, `sysctl` …) stay: null is no value for those.
 */
export function withoutNulls(value: unknown, key = '', depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_JSON_DEPTH) throw invalid('', 'a value that is not cyclic', new Wording('a deeper one'))
  if (Array.isArray(value)) return value.map((entry) => withoutNulls(entry, '', depth + 1))
  const isMap = MAP_PROPERTIES.has(key)
  const entries = Object.entries(value)
    .filter(([, entry]) => isMap || entry !== null)
    .map(([name, entry]) => [name, withoutNulls(entry, isMap ? '' : name, depth + 1)])
  return Object.fromEntries(entries)
}
