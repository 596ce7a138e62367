import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkout, inCi } from './checkout.ts'

/** Paths of the runtimes that we compare with. */
export interface Peers {
  readonly runc: string
  readonly crun: string
}

/** What to tell a person whose tests need the peers. */
export const peersHint = 'runc and crun are missing: run `bash scripts/setup-debian.sh` as root'

/**
 * The peer runtimes that `scripts/setup-debian.sh` unpacked, or null where it was not run.
 *
 * @throws in CI, where they are missing
 */
export function peers(): Peers | null {
  const bin = join(checkout, '.cache/peers/bin')
  const found = { runc: join(bin, 'runc'), crun: join(bin, 'crun') }
  if (existsSync(found.runc) && existsSync(found.crun)) return found
  if (inCi) throw new Error(peersHint)
  return null
}
