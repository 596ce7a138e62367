import type { Stats } from '../cgroup/stats/types.ts'
import type { ExitStatus } from './exit.ts'

/**
 * What `Container.events` tells.
 *
 * - `oom`: memory ran out. On cgroup v2 the kernel has killed a process of the container; on v1 it is about to, unless
 *   `disableOOMKiller` makes the container wait for memory.
 * - `paused`, `resumed`: by this process or another one. On cgroup v1 a deletion by force, or a SIGKILL for all processes,
 *   freezes them for a moment too, so that none escapes.
 * - `stats`: what it has used, at every interval.
 * - `exit`: its first process has ended, as `Container.wait` tells it. The last event.
 */
export type ContainerEvent =
  | { type: 'oom' }
  | { type: 'paused' }
  | { type: 'resumed' }
  | { type: 'stats'; stats: Stats }
  | ({ type: 'exit' } & ExitStatus)

/** Options of `Container.events`. */
export interface EventsOptions {
  /** Tell what it has used every so many milliseconds. Without it there are no `stats` events. */
  intervalMs?: number | undefined
  /** Ends the iteration, with `ERR_OCI_ABORTED`. */
  signal?: AbortSignal | undefined
}
