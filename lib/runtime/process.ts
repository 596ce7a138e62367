import { OciError } from '../errors.ts'
import { abortable } from './abort.ts'
import type { Pty } from './console.ts'
import type { ExitStatus, ExitWatch } from './exit.ts'
import type { StdioStreams } from './stdio.ts'
import type { DrainingStream } from './streams.ts'

/** How `wait` waits. */
export interface WaitOptions {
  signal?: AbortSignal | undefined
  /**
   * How long, after the process has ended, to wait for the end of output that a descendant holds open, in milliseconds
   * (default 1000).
   */
  drainTimeoutMs?: number | undefined
}

const DRAIN_TIMEOUT_MS = 1000

/** A process with its streams: what a container's first process and an exec'd one have in common. */
export class ProcessHandle {
  readonly pid: number
  readonly streams: StdioStreams
  readonly pty: Pty | null
  /** null: it had ended before anybody here could watch it. */
  readonly watch: ExitWatch | null
  readonly #outputs: readonly DrainingStream[]

  constructor(pid: number, watch: ExitWatch | null, streams: StdioStreams, pty: Pty | null) {
    this.pid = pid
    this.watch = watch
    this.streams = streams
    this.pty = pty
    this.#outputs = [streams.stdout, streams.stderr, pty].filter((stream) => stream !== null)
    if (this.#outputs.length > 0 || streams.stdin !== null) void watch?.exited.then(() => this.#finish())
  }

  /** How it ended, if that was seen. */
  get status(): ExitStatus | undefined {
    return this.watch === null ? { exitCode: null, signal: null } : this.watch.status
  }

  /** Resolves when the process has ended and the output that somebody reads is drained. */
  async wait(options: WaitOptions): Promise<ExitStatus> {
    const { signal, drainTimeoutMs = DRAIN_TIMEOUT_MS } = options
    if (this.watch === null) return { exitCode: null, signal: null }
    const release = this.watch.hold()
    try {
      const status = await abortable(this.watch.exited, signal)
      if (this.#outputs.length > 0) await abortable(this.#drained(drainTimeoutMs), signal)
      return status
    } finally {
      release()
    }
  }

  /** Closes what is still open of the streams: for those who know that nobody wants them any more. */
  destroyStreams(): void {
    for (const stream of [this.streams.stdin, ...this.#outputs]) stream?.destroy()
  }

  #finish(): void {
    this.streams.stdin?.destroy()
    for (const output of this.#outputs) {
      output.source.finish()
      output.source.unref()
    }
  }

  async #drained(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'late')
    })
    try {
      const ends = this.#outputs.map(async (output) => {
        if ((await Promise.race([output.source.ended, late])) === 'late') return
        if (isRead(output)) await consumed(output, timeoutMs)
      })
      await Promise.all(ends)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Whether somebody takes the stream's data: by a pipe, a listener, or an iteration. */
function isRead(stream: DrainingStream): boolean {
  if (stream.readableEnded || stream.destroyed) return false
  return (
    stream.readableFlowing === true || stream.listenerCount('readable') + stream.listenerCount('data') > 0
  )
}

/**
 * Resolves when the stream has given everything. A listener that paused the stream by itself may have gone for good: it
 * is waited for as long as it takes something every `timeoutMs`.
 */
function consumed(stream: DrainingStream, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (stream.readableEnded || stream.destroyed) return resolve()
    let timer: NodeJS.Timeout | undefined
    const done = () => {
      clearTimeout(timer)
      for (const event of ['end', 'close', 'error'] as const) stream.off(event, done)
      stream.off('data', watch)
      resolve()
    }
    const watch = () => {
      clearTimeout(timer)
      if (!stream.source.piped && stream.listenerCount('readable') === 0) {
        timer = setTimeout(() => (stream.isPaused() ? done() : watch()), timeoutMs)
      }
    }
    for (const event of ['end', 'close', 'error'] as const) stream.once(event, done)
    // Adding a `data` listener makes a stream flow that was never paused, so only where there is one already.
    if (stream.listenerCount('data') > 0) stream.on('data', watch)
    watch()
  })
}

/** Checks `wait`'s own option. */
export function checkDrainTimeout(value: number | undefined): void {
  if (value === undefined || (typeof value === 'number' && value >= 0)) return
  throw new OciError(
    'ERR_OCI_OPTION_INVALID',
    `drainTimeoutMs: expected a number of milliseconds, got ${value}`,
  )
}
