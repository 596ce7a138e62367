import { native } from '../native.ts'
import { ExitWatch } from './exit.ts'
import { liveStat } from './proc.ts'

/**
 * The watches of this process's containers. A child can be reaped only once, so whoever loads a container that this
 * process has created gets the watch that is there. Kept after the end, for its exit status, until `forgetWatch`.
 */
const watches = new Map<string, ExitWatch>()

/** What names a process for good. */
export interface ProcessId {
  pid: number
  startTime: number
}

/** Makes a watch known to later loads. */
export function rememberWatch(process: ProcessId, watch: ExitWatch): void {
  watches.set(keyOf(process), watch)
}

/** To be called when the container is deleted. */
export function forgetWatch(process: ProcessId): void {
  watches.delete(keyOf(process))
}

/** The watch of a process, a new one if need be; null if the process has ended and nobody here has watched. */
export function watchProcess(process: ProcessId): ExitWatch | null {
  const known = watches.get(keyOf(process))
  if (known !== undefined) return known
  if (liveStat(process.pid, process.startTime) === null) return null
  const pidfd = native().pidfdOpen(process.pid)
  if (pidfd < 0) return null
  // Only now is it sure that the pidfd is of that process.
  if (liveStat(process.pid, process.startTime) === null) {
    native().close(pidfd)
    return null
  }
  const watch = new ExitWatch(pidfd)
  rememberWatch(process, watch)
  return watch
}

function keyOf({ pid, startTime }: ProcessId): string {
  return `${pid}:${startTime}`
}
