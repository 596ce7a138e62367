import { native } from '../native.ts'
import { stepError } from './failure.ts'

/**
 * Connects to the socket that gets a terminal's master.
 *
 * @returns the fd, which is the caller's
 */
export function connectConsole(path: string): number {
  const fd = native().connectStream(path)
  if (fd >= 0) return fd
  throw stepError({ step: undefined, errno: -fd, syscall: 'connect', text: `the console socket ${path}` })
}
