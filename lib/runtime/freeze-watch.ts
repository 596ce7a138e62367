import { type FSWatcher, watch } from 'node:fs'
import { freezerEvents } from '../cgroup/operate.ts'
import type { CgroupLocation } from '../cgroup/types.ts'
import { KernfsWatch } from './kernfs.ts'
import { isFrozen } from './status.ts'

/** Notices that a cgroup is frozen or thawed, without polling. It does not keep Node alive. */
export interface FreezeWatch {
  close(): void
}

/**
 * Calls back when a container was paused or resumed, by whichever process. What is over before the event loop can look
 * is not noticed.
 *
 * @returns null if there is no cgroup that can freeze
 * @throws the error of node:fs if it can't be watched
 */
export function watchFreezer(
  location: CgroupLocation,
  onChange: (frozen: boolean) => void,
): FreezeWatch | null {
  const events = freezerEvents(location)
  if (events === null) return null
  let known = isFrozen(location)
  const look = (frozen: boolean) => {
    if (frozen !== known) onChange(frozen)
    known = frozen
  }
  try {
    if (!events.v1) {
      return new KernfsWatch(events.path, (text) => look(/^frozen 1$/m.test(text) && isFrozen(location)))
    }
    return watchWrites(events.path, () => look(isFrozen(location)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function watchWrites(path: string, onWrite: () => void): FSWatcher {
  const watcher = watch(path, { persistent: false }, onWrite)
  // The file goes with its cgroup.
  watcher.on('error', () => watcher.close())
  return watcher
}
