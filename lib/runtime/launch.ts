import { OciError } from '../errors.ts'
import { native } from '../native.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Message } from '../plan/message-codec.ts'
import { FD } from '../plan/messages.ts'
import { SLOT } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import type { Launch } from '../plan/types.ts'
import { abortError, onAbort, throwIfAborted } from './abort.ts'
import { closeAll, tryBatch } from './batch.ts'
import { Channel } from './channel.ts'
import { ExitWatch } from './exit.ts'
import { deathError, initError } from './init-error.ts'
import { pidOfPidfd } from './proc.ts'
import type { Tracer } from './trace.ts'

const SIGKILL = 9

/** What to launch, and how far. */
export interface LaunchRequest {
  launch: Pick<Launch, 'host' | 'init' | 'encodable' | 'flags' | 'pass' | 'cgroup'>
  /** Init's plan as `encodeInit` gives it, where that was done before. */
  encoded?: Uint8Array | undefined
  /** Host steps that come first, in the same batch. */
  before?: readonly Step[]
  /** Host steps for the standard streams, which end in SLOT.stdin, stdout and stderr. */
  stdio?: readonly Step[]
  /** Which of the standard streams' slots are filled; the others are /dev/null. */
  streams?: readonly [stdin: boolean, stdout: boolean, stderr: boolean]
  /** Pairs of host slot and fd, lent for the batch. */
  slots?: readonly number[]
  /** Host slots whose fds the caller wants. */
  keep?: readonly number[]
  /** Whether the launch is done when init waits for `start`, or when the program is executed. */
  until: 'created' | 'exec'
  containerId?: string | undefined
  signal?: AbortSignal | undefined
  tracer?: Tracer | undefined
  /** Answers a sync message of the process `pid`; init goes on when the promise resolves. */
  onSync?: (name: number, pid: number, pidfd: number) => Promise<void>
  onWarning?: ((text: string) => void) | undefined
  /** Called as soon as the process is there, and init is at work. */
  onSpawn?: (spawned: Spawned) => void
  /** Adds what is known of a death by SIGKILL: was memory short? */
  explainKill?: () => Promise<string | undefined>
}

/** A process whose launch is under way. The fds are the launch's. */
export interface Spawned {
  pid: number
  /** The fds that `keep` asked for. */
  kept: readonly number[]
  /** Lets init go on from a `waitGo`. */
  go(): void
  /** Ends the launch: it fails with this error. */
  fail(error: OciError): void
}

/** A launched process. What is in here belongs to the caller. */
export interface Launched {
  pid: number
  watch: ExitWatch
  /** The socket to init (only `until: 'created'`: init waits for `go` on it). */
  channel: Channel
  /** The report page, or -1 after `closeReport`. */
  report: number
  closeReport(): void
  /** The pty's master, or -1. */
  console: number
  /** The fds that `keep` asked for. */
  kept: number[]
}

/** A failed launch, with what was made before it. */
export interface FailedLaunch {
  error: OciError
  /** The step of the host batch that failed, or -1: all of them were carried out. */
  hostStep: number
}

/**
 * Runs the host steps and the spawn in one batch, then talks with init until it is `created` or the program is executed.
 * A failure leaves no process and no fd behind; it is returned so that the caller can undo the rest.
 */
function closeReport(this: { report: number }): void {
  closeAll([this.report])
  this.report = -1
}

export async function tryLaunch(request: LaunchRequest): Promise<Launched | FailedLaunch> {
  throwIfAborted(request.signal, request.containerId)
  const steps = [
    ...(request.before ?? []),
    ...request.launch.host,
    ...(request.stdio ?? []),
    spawnStep(request),
  ]
  const own = [SLOT.pidfd, SLOT.socket, SLOT.report]
  const result = await tryBatch(steps, {
    slots: request.slots ?? [],
    keep: [...own, ...(request.keep ?? [])],
    containerId: request.containerId,
    tracer: request.tracer,
  })
  if (result.error !== null) {
    closeAll(result.fds)
    return { error: result.error, hostStep: result.failure?.step ?? 0 }
  }
  const [pidfd, socket, report, ...kept] = result.fds as [number, number, number, ...number[]]
  const talk = new Talk(request, result.pid, pidfd, socket, report)
  request.onSpawn?.({ pid: result.pid, kept, go: () => talk.go(), fail: (error) => talk.fail(error) })
  try {
    const { pid, watch, channel, console } = await talk.done
    return { pid, watch, channel, report, closeReport, console, kept }
  } catch (error) {
    closeAll([report, ...kept])
    return { error: error as OciError, hostStep: -1 }
  }
}

/** As `tryLaunch`, but throws. */
export async function launch(request: LaunchRequest): Promise<Launched> {
  const launched = await tryLaunch(request)
  if ('error' in launched) throw launched.error
  return launched
}

/** Encodes init's plan ahead of its time: while a batch is at work. */
export function encodeInit(launch: LaunchRequest['launch'], tracer: Tracer | undefined): Uint8Array {
  return encodePlan(launch.encodable ?? launch.init, { trace: tracer !== undefined })
}

function spawnStep(request: LaunchRequest): Step {
  const [stdin, stdout, stderr] = request.streams ?? [false, false, false]
  const { launch, tracer } = request
  return {
    op: 'spawn',
    plan: request.encoded ?? encodeInit(launch, tracer),
    flags: launch.flags,
    cgroup: launch.cgroup ?? undefined,
    stdin: stdin ? SLOT.stdin : undefined,
    stdout: stdout ? SLOT.stdout : undefined,
    stderr: stderr ? SLOT.stderr : undefined,
    pass: launch.pass.flat(),
    pidfd: SLOT.pidfd,
    socket: SLOT.socket,
    report: SLOT.report,
  }
}

/** The talk with one init program from its birth to `created` or `exec`. */
class Talk {
  readonly done: Promise<{ pid: number; watch: ExitWatch; channel: Channel; console: number }>
  readonly #request: LaunchRequest
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

  constructor(request: LaunchRequest, pid: number, pidfd: number, socket: number, report: number) {
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
