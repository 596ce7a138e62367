import { native } from '../native.ts'
import { stepError } from './failure.ts'

/**
 * Sends a pidfd to the socket that asked for one. `name`: `standard` for a container's first process, `setns` for an
 * added one.
 *
 * @throws if nobody listens, or the process has ended already
 */
export function sendPidfd(path: string, pidfd: number, name: 'standard' | 'setns'): void {
  const text = `the pidfd socket ${path}`
  const socket = native().connectStream(path)
  if (socket < 0) throw stepError({ step: undefined, errno: -socket, syscall: 'connect', text })
  const errno = native().send(socket, Buffer.from(name), [pidfd])
  native().close(socket)
  if (errno !== 0) throw stepError({ step: undefined, errno, syscall: 'sendmsg', text })
}
