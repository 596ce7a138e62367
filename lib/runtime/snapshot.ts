import type { Config } from '../../types/index.ts'
import type { Bundle } from '../bundle.ts'
import { parseConfig } from '../config/load.ts'
import type { OnWarning } from '../config/problem.ts'
import { jsonText } from './record.ts'

/** A config frozen in time: its text, and what that says. Nobody else has the object. */
export interface Snapshot {
  readonly text: string
  readonly config: Config
}

const snapshots = new WeakMap<Bundle, Snapshot>()

/**
 * The bundle's config as it is now. It is plain data that its owner may have changed since it was loaded, so it is
 * checked again; unless nothing changed.
 */
export function snapshotOf(bundle: Bundle, onWarning: OnWarning): Snapshot {
  const text = jsonText(bundle.config)
  const known = snapshots.get(bundle)
  if (known?.text === text) return known
  const snapshot = { text, config: parseConfig(text, { onWarning }) }
  snapshots.set(bundle, snapshot)
  return snapshot
}
