import type { Process } from '../../types/index.ts'
import { SLOT } from './slots.ts'
import type { Step } from './steps.ts'

/** How the terminal of a process is made. */
export interface ConsoleOptions {
  /** The master goes to the unix socket in {@link SLOT.consoleSocket}; else to the parent, in an `fd` message. */
  consoleSocket: boolean
  /** Also bind it on /dev/console: for the first process of a container with mounts of its own. */
  bindConsole: boolean
}

/** The pseudo-terminal of a process, from the container's own devpts: after the root is changed and setsid(2). */
export function consoleSteps(
  process: Process | undefined,
  { consoleSocket, bindConsole }: ConsoleOptions,
): Step[] {
  if (!process?.terminal) return []
  const { height = 0, width = 0 } = process.consoleSize ?? {}
  return [
    {
      op: 'console',
      rows: height,
      columns: width,
      uid: process.user?.uid ?? 0,
      bindConsole,
      socket: consoleSocket ? SLOT.consoleSocket : undefined,
      from: '/process/terminal',
    },
  ]
}
