import type { IdMapping } from '../../types/index.ts'
import { invalid, Wording } from './problem.ts'

/** The id that setresuid(2), chown(2) and the like take for "leave it alone"; no user has it. */
const NO_ID = 0xffff_ffff

/** Most ranges that the kernel takes (user_namespaces(7), UID_GID_MAP_MAX_EXTENTS). */
const MOST_RANGES = 340

/** A user or group id that a process or a file can have. */
export function checkId(id: number | undefined, pointer: string): void {
  if (id === NO_ID) throw invalid(pointer, `an id from 0 to ${NO_ID - 1}`, id)
}

/** The ranges of ids of a user namespace or of an idmapped mount: none empty, none beyond 32 bits, none twice. */
export function checkIdMappings(mappings: readonly IdMapping[], pointer: string): void {
  if (mappings.length > MOST_RANGES) {
    throw invalid(pointer, `at most ${MOST_RANGES} ranges`, mappings)
  }
  for (const [index, { containerID, hostID, size }] of mappings.entries()) {
    const at = `${pointer}/${index}`
    if (size === 0) throw invalid(`${at}/size`, 'at least 1', size)
    for (const [key, first] of [['containerID', containerID] as const, ['hostID', hostID] as const]) {
      if (first + size > NO_ID) {
        throw invalid(`${at}/${key}`, `a range that ends below ${NO_ID}`, new Wording(`${first} + ${size}`))
      }
      const other = mappings.findIndex(
        (m, i) => i < index && m[key] < first + size && first < m[key] + m.size,
      )
      if (other >= 0) {
        throw invalid(`${at}/${key}`, `ids that ${pointer}/${other} does not map`, new Wording(`${first}`))
      }
    }
  }
}

/** Whether an id of the container is in one of the ranges. */
export function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size)
}
