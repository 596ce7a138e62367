import { OciError } from '../errors.ts'
import { native } from '../native.ts'
import type { Message } from '../plan/message-codec.ts'
import { FD } from '../plan/messages.ts'
import type { Plan } from '../plan/steps.ts'
import { abortError, onAbort } from './abort.ts'
import { closeAll } from './batch.ts'
import { Channel } from './channel.ts'
import { ExitWatch } from './exit.ts'
import { deathError, initError } from './init-error.ts'
import { pidOfPidfd } from './proc.ts'
import type { Tracer } from './trace.ts'

const SIGKILL = 9

/** What the talk with init is about. */
export interface TalkRequest {
  /** The plan that init carries out. */
  launch: { init: Plan }
  /** Whether the launch is done when init waits for `start`, or when the program is executed. */
  until: 'created' | 'exec'
  containerId?: string | undefined
  signal?: AbortSignal | undefined
  tracer?: Tracer | undefined
  /** Answers a sync message of the process `pid`; init goes on when the promise resolves. */
  onSync?: (name: number, pid: number, pidfd: number) => Promise<void>
  onWarning?: ((text: string) => void) | undefined
  /** Adds what is known of a death by SIGKILL: was memory short? */
  explainKill?: () => Promise<string | undefined>
}

/** The talk with one init program from its birth to `created` or `exec`. */
export class Talk {
  readonly done: Promise<{ pid: number; watch: ExitWatch; channel: Channel; console: number }>
  readonly #request: TalkRequest
  readonly #channel: Channel
  readonly #report: number
  #pid: number
  #watch: ExitWatch
  #console = -1
  #executed = false
  #settled = false
  #resolve!: (value: { pid: number; watch: ExitWatch; channel: Channel; console: number }) => void
  #reject!: (error: OciError) => void
  readonly #unlisten: () => void

  constructor(request: TalkRequest, pid: number, pidfd: number, socket: number, report: number) {
    this.#request = request
    this.#pid = pid
    this.#report = report
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#watch = new ExitWatch(pidfd)
    this.#channel = new Channel(
      socket,
      (message, fds) => this.#message(message, fds),
      () => this.#end(),
    )
    const { signal } = request
    this.#unlisten = onAbort(signal, () => this.fail(abortError(signal!, request.containerId)))
    if (signal?.aborted) this.fail(abortError(signal, request.containerId))
  }

  #message(message: Message, fds: number[]): void {
    if (message.kind === 'stage') this.#nextStage(fds)
    else if (!this.#settled) this.#handle(message, fds)
    closeAll(fds)
  }

  #handle(message: Message, fds: number[]): void {
    switch (message.kind) {
      case 'sync':
        void this.#sync(message.value)
        break
      case 'fd':
        if (message.value === FD.console && fds.length === 1 && this.#console < 0) this.#console = fds.pop()!
        break
      case 'created':
        if (this.#request.until === 'created') this.#succeed()
        break
      case 'exec':
        this.#executed = true
        break
      case 'warning':
        this.#request.onWarning?.(message.text)
        break
      case 'error':
        this.fail(initError(message, this.#request.launch.init, this.#request.containerId))
        break
    }
  }

  async #sync(name: number): Promise<void> {
    const { onSync } = this.#request
    try {
      if (onSync === undefined) throw new OciError('ERR_OCI_INTERNAL', `nobody answers the sync ${name}`)
      await onSync(name, this.#pid, this.#watch.pidfd)
      if (!this.#settled) this.#channel.send('go')
    } catch (error) {
      this.#channel.send('abort')
      this.fail(error as OciError)
    }
  }

  /** The process goes on as another one; the watch of the old one reaps it. */
  #nextStage(fds: number[]): void {
    const pidfd = fds.pop()
    if (pidfd === undefined) return
    this.#pid = pidOfPidfd(pidfd)
    this.#watch = new ExitWatch(pidfd)
  }

  /** The socket is closed: by the exec, or because init is dead. */
  #end(): void {
    if (this.#settled) return
    if (this.#executed && this.#request.until === 'exec') this.#succeed()
    else void this.#died()
  }

  async #died(): Promise<void> {
    const release = this.#watch.hold()
    const status = await this.#watch.ended()
    release()
    const { launch, containerId, explainKill } = this.#request
    const hint = status.signal === 'SIGKILL' ? await explainKill?.() : undefined
    this.fail(deathError(this.#report, launch.init, status, containerId, hint))
  }

  #succeed(): void {
    if (this.#settled) return
    this.#settled = true
    this.#unlisten()
    const { tracer, launch, until } = this.#request
    if (tracer !== undefined) {
      tracer.init = launch.init
      tracer.add(until === 'exec' ? 'exec' : 'init', launch.init, native().report(this.#report).times)
    }
    this.#resolve({ pid: this.#pid, watch: this.#watch, channel: this.#channel, console: this.#console })
  }

  go(): void {
    if (!this.#settled) this.#channel.send('go')
  }

  fail(error: OciError): void {
    if (this.#settled) return
    this.#settled = true
    this.#unlisten()
    closeAll([this.#console])
    void this.#reap(error)
  }

  /** Rejects when the process and its successors are gone, so that their cgroup can be removed. */
  async #reap(error: OciError): Promise<void> {
    let watch: ExitWatch
    do {
      watch = this.#watch
      watch.signal(SIGKILL)
      const release = watch.hold()
      await watch.ended()
      release()
      this.#channel.receive()
    } while (watch !== this.#watch)
    this.#channel.close()
    this.#reject(error)
  }
}
