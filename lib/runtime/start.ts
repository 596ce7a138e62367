import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config, Process } from '../../types/index.ts'
import { validateProcess } from '../config/load.ts'
import { OciError } from '../errors.ts'
import { native } from '../native.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Message } from '../plan/message-codec.ts'
import { INIT_COMM } from '../plan/messages.ts'
import type { Plan } from '../plan/steps.ts'
import { abortError, onAbort, throwIfAborted } from './abort.ts'
import { Channel } from './channel.ts'
import type { ExitWatch } from './exit.ts'
import { stepError } from './failure.ts'
import { deathError, initError } from './init-error.ts'
import type { Warning } from './options.ts'
import { liveStat } from './proc.ts'
import type { RecordHead } from './record.ts'
import { isFrozen } from './status.ts'
import { START_SOCKET } from './store.ts'
import { ownTail, replacementTail } from './tail.ts'
import type { Tracer } from './trace.ts'

/** How long an init that closed its sockets may take to become its program, or to end. */
const WENT_ON_MS = 1000

const EALREADY = 114

/** What a start needs of the container. */
export interface StartRequest {
  head: RecordHead
  config: Config
  watch: ExitWatch
  /** The state directory, open. */
  state: number
  /** The report page, or -1. */
  report: number
  process: Process | undefined
  signal: AbortSignal | undefined
  tracer: Tracer | undefined
  warn: (warning: Warning) => void
  explainKill: () => Promise<string | undefined>
}

/**
 * Lets a created container execute its program, or another `process`. Resolves when the program is executed.
 *
 * The start is decided by init, which takes one connection: of two starts at once, in one process or two, one wins.
 *
 * @throws `ERR_OCI_STATE` if the container is not created (any more); what init says; `ERR_OCI_INIT_DIED`
 */
export async function startContainer(request: StartRequest): Promise<void> {
  const { head, config, process, signal, state } = request
  throwIfAborted(signal, head.id)
  if (process === undefined && config.process === undefined) {
    throw new OciError('ERR_OCI_STATE', 'the config has no process to start', {
      containerId: head.id,
      path: '/process',
      hint: 'give start a process',
    })
  }
  if (isFrozen(head.cgroup)) {
    throw new OciError('ERR_OCI_STATE', `container ${head.id} is paused: resume it before the start`, {
      containerId: head.id,
    })
  }
  const tail =
    process === undefined
      ? null
      : await replacementTail(request, validateProcess(process, { at: '/process' }))
  const socket = native().connect(state, START_SOCKET)
  if (socket < 0) throw connectError(head, -socket)
  await new Start(request, socket, tail).done
  try {
    unlinkSync(join(`/proc/self/fd/${state}`, START_SOCKET))
  } catch {
    // A delete was faster.
  }
}

/** What a refused connection means. */
function connectError(head: RecordHead, errno: number): OciError {
  const ENOENT = 2
  const ECONNREFUSED = 111
  if (errno !== ENOENT && errno !== ECONNREFUSED) {
    return stepError({ step: undefined, errno, syscall: 'connect', text: START_SOCKET, containerId: head.id })
  }
  return notCreated(head)
}

function notCreated(head: RecordHead): OciError {
  const alive = liveStat(head.pid, head.startTime) !== null
  const state = alive ? 'has been started already' : 'is stopped'
  return new OciError('ERR_OCI_STATE', `container ${head.id} ${state}: only a created one can be started`, {
    containerId: head.id,
  })
}

/** One connection to init. Polls the socket and the pidfd: an init that dies must not hang anybody. */
class Start {
  readonly done: Promise<void>
  readonly #request: StartRequest
  readonly #tail: Plan | null
  readonly #channel: Channel
  readonly #release: () => void
  readonly #unlisten: () => void
  #executed = false
  #settled = false
  #resolve!: () => void
  #reject!: (error: Error) => void

  constructor(request: StartRequest, socket: number, tail: Plan | null) {
    this.#request = request
    this.#tail = tail
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { watch, signal, head } = request
    this.#channel = new Channel(
      socket,
      (message, fds) => this.#message(message, fds),
      () => void this.#end(),
    )
    this.#release = watch.hold()
    // What init said last may still be in the socket when it is dead.
    void watch.exited.then(() => {
      this.#channel.receive()
      void this.#end()
    })
    this.#unlisten = onAbort(signal, () => this.#settle(abortError(signal!, head.id)))
    this.#send()
  }

  #send(): void {
    const tail = this.#tail
    let errno: number
    if (tail === null) errno = this.#channel.send('go')
    else {
      const bytes = encodePlan(tail, { trace: this.#request.tracer !== undefined })
      const memfd = native().memfd('oci-ts-tail', bytes)
      errno = this.#channel.send('tail', [memfd])
      native().close(memfd)
    }
    if (errno !== 0) void this.#end()
  }

  #message(message: Message, fds: number[]): void {
    for (const fd of fds) native().close(fd)
    if (message.kind === 'exec') this.#executed = true
    else if (message.kind === 'warning') this.#request.warn({ message: message.text })
    else if (message.kind === 'error') void this.#failed(message)
  }

  /** Init said what is wrong, and exits. */
  async #failed(message: Message): Promise<void> {
    if (this.#settled) return
    this.#settled = true
    const { watch, head } = this.#request
    // init turns down what came second, or is no proper message, and goes on.
    if (message.errno === EALREADY && message.syscall === '') {
      this.#finish(notCreated(head))
      return
    }
    if (message.part === 0 && (head.start.tail < 0 || message.step < head.start.tail)) {
      this.#finish(stepError({ ...message, step: undefined, containerId: head.id }))
      return
    }
    let error: OciError
    if (message.part === 1) error = initError(message, this.#tail ?? [], head.id)
    else {
      const tail = await ownTail(this.#request)
      error = initError({ ...message, step: message.step - head.start.tail }, tail, head.id)
    }
    await watch.ended()
    this.#finish(error)
  }

  async #end(): Promise<void> {
    if (this.#settled) return
    if (this.#executed) {
      this.#settled = true
      this.#finish(null)
      return
    }
    this.#settled = true
    const { head, watch, report, explainKill } = this.#request
    if (await this.#wentOn()) {
      this.#finish(notCreated(head))
      return
    }
    const status = await watch.ended()
    const hint = status.signal === 'SIGKILL' ? await explainKill() : undefined
    const plan = this.#tail ?? (await ownTail(this.#request))
    const offset = this.#tail === null ? head.start.tail : 0
    this.#finish(deathError(report, plan, status, head.id, hint, offset))
  }

  /**
   * Whether init went on without us: somebody else's start was first. Sockets are closed a moment before the exec is done,
   * so it may still look as before.
   */
  async #wentOn(): Promise<boolean> {
    const { head, watch } = this.#request
    for (let round = 0; round < WENT_ON_MS && watch.status === undefined; round++) {
      const stat = liveStat(head.pid, head.startTime)
      if (stat === null) return false
      if (stat.comm !== INIT_COMM) return true
      await sleep(1)
    }
    return watch.status === undefined
  }

  #settle(error: OciError): void {
    if (this.#settled) return
    this.#settled = true
    this.#finish(error)
  }

  #finish(error: OciError | null): void {
    this.#release()
    this.#unlisten()
    this.#channel.close()
    const { tracer, report } = this.#request
    if (error !== null) this.#reject(error)
    else {
      if (tracer !== undefined && report >= 0) this.#trace(tracer, native().report(report).times)
      this.#resolve()
    }
  }

  #trace(tracer: Tracer, times: Float64Array): void {
    if (this.#tail === null) tracer.add('exec', tracer.init, times, this.#request.head.start.tail)
    else tracer.add('exec', this.#tail, times)
  }
}
