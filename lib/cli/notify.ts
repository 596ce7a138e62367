import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Container } from '../container.ts'
import { OciError } from '../errors.ts'
import { type NativePoll, native } from '../native.ts'
import { stepError } from '../runtime/failure.ts'
import { NOTIFY_SOCKET } from '../runtime/notify.ts'
import { NOTIFY_DIR, stateDir } from '../runtime/store.ts'
import type { CliIo } from './io.ts'

/** How long a service manager may take to answer a barrier, in ms: as sd_notify_barrier(3) is used by most. */
const BARRIER_MS = 30_000
const READABLE = 1
const HANGUP = 4

/** Passes a container's sd_notify(3) messages on to our own service manager. */
export interface NotifyProxy {
  /**
   * Resolves when the container has said READY and the manager knows, or when it has ended.
   *
   * @param mainPid what the manager shall watch from then on; 0: still us
   */
  ready(mainPid: number): Promise<void>
  close(): void
}

/**
 * Opens the socket that a container created with `notify` sends to, if we have a service manager (NOTIFY_SOCKET). To be
 * called before the start.
 *
 * @throws OciError if the manager can't be reached
 */
export function bindNotify(root: string, container: Container, { env }: CliIo): NotifyProxy | null {
  const host = env.NOTIFY_SOCKET
  if (!host) return null
  const socket = bind(join(stateDir(root, container.id), NOTIFY_DIR))
  if (socket < 0) return null
  const manager = native().connectDatagram(host)
  if (manager < 0) {
    native().close(socket)
    throw stepError({ step: undefined, errno: -manager, syscall: 'connect', text: `NOTIFY_SOCKET ${host}` })
  }
  return new Relay(socket, manager, container)
}

/** -1: the container was created without one. */
function bind(directory: string): number {
  let dir: number
  try {
    dir = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch {
    return -1
  }
  const socket = native().bindDatagram(dir, NOTIFY_SOCKET)
  closeSync(dir)
  if (socket >= 0) return socket
  throw stepError({ step: undefined, errno: -socket, syscall: 'bind', text: join(directory, NOTIFY_SOCKET) })
}

class Relay implements NotifyProxy {
  readonly #manager: number
  readonly #container: Container
  readonly #ready: Promise<string | null>
  readonly #socket: number
  #poll: NativePoll | null = null
  #end!: (line: string | null) => void

  constructor(socket: number, manager: number, container: Container) {
    this.#socket = socket
    this.#manager = manager
    this.#container = container
    this.#ready = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#poll = native().poll(socket, READABLE, () => this.#receive())
    this.#poll.unref()
  }

  async ready(mainPid: number): Promise<void> {
    const ended = new AbortController()
    const end = this.#container.wait({ signal: ended.signal }).then(
      () => null,
      () => null,
    )
    const line = await Promise.race([this.#ready, end])
    ended.abort()
    if (line === null) return
    this.#send(line)
    if (mainPid === 0) return
    this.#send(`MAINPID=${mainPid}`)
    await this.#barrier()
  }

  close(): void {
    if (this.#poll === null) return
    this.#poll.close()
    this.#poll = null
    this.#end(null)
    native().close(this.#socket)
    native().close(this.#manager)
  }

  #receive(): void {
    try {
      const message = native().recv(this.#socket)
      if (message === null) return
      for (const fd of message.fds) native().close(fd)
      const text = Buffer.from(message.data).toString('utf8')
      const line = text.split('\n').find((one) => one.startsWith('READY='))
      if (line !== undefined) this.#end(line)
    } catch {
      // A message that is too long is none of sd_notify's.
    }
  }

  #send(line: string, fds: readonly number[] = []): void {
    if (this.#poll === null) return
    const errno = native().send(this.#manager, Buffer.from(`${line}\n`), fds)
    if (errno !== 0) {
      throw stepError({ step: undefined, errno, syscall: 'sendmsg', text: 'the service manager’s socket' })
    }
  }

  /** Waits until the manager has taken in what came before: it closes the pipe that it gets. */
  async #barrier(): Promise<void> {
    const [read, write] = native().pipe()
    let poll: NativePoll | undefined
    let timer: NodeJS.Timeout | undefined
    try {
      this.#send('BARRIER=1', [write])
      native().close(write)
      await new Promise<void>((resolve, reject) => {
        poll = native().poll(read, HANGUP, () => resolve())
        timer = setTimeout(() => {
          reject(new OciError('ERR_OCI_TIMEOUT', 'the service manager does not answer'))
        }, BARRIER_MS)
      })
    } finally {
      clearTimeout(timer)
      poll?.close()
      native().close(read)
    }
  }
}
