import type { Readable, Writable } from 'node:stream'
import { checkOptions } from './config/options.ts'
import { isOciError, OciError } from './errors.ts'
import type { Pty } from './runtime/console.ts'
import type { Executed } from './runtime/exec.ts'
import type { ExitStatus } from './runtime/exit.ts'
import { stepError } from './runtime/failure.ts'
import { checkSignal } from './runtime/options.ts'
import { checkDrainTimeout, type ProcessHandle, type WaitOptions } from './runtime/process.ts'
import { signalNumber } from './runtime/signals.ts'
import type { TraceEvent } from './runtime/trace.ts'

const ESRCH = 3

/** A process that `Container.exec` has added to a container. */
export class ContainerProcess implements AsyncDisposable {
  /** Its pid on the host. */
  readonly pid: number
  /** Its standard input, where `stdio` asks for a pipe, else null. `end()` closes it. */
  readonly stdin: Writable | null
  /** Its standard output, where `stdio` asks for a pipe, else null. */
  readonly stdout: Readable | null
  /** Its standard error, where `stdio` asks for a pipe, else null. */
  readonly stderr: Readable | null
  /** Its terminal, if it has one and no `consoleSocket` got it, else null. */
  readonly pty: Pty | null
  readonly #handle: ProcessHandle
  readonly #containerId: string
  readonly #trace: readonly TraceEvent[]

  /** @internal */
  constructor(containerId: string, { handle, tracer }: Executed) {
    this.#containerId = containerId
    this.#handle = handle
    this.#trace = tracer?.events ?? []
    this.pid = handle.pid
    this.stdin = handle.streams.stdin
    this.stdout = handle.streams.stdout
    this.stderr = handle.streams.stderr
    this.pty = handle.pty
  }

  /** The time of every step of its launch, if `trace` was asked for. */
  get trace(): readonly TraceEvent[] {
    return this.#trace
  }

  /**
   * Resolves when the process has ended and the output that somebody reads is drained; see `Container.wait`.
   *
   * @throws OciError `ERR_OCI_ABORTED`
   */
  async wait(options: WaitOptions = {}): Promise<ExitStatus> {
    return waitFor(this.#handle, 'ContainerProcess.wait', options)
  }

  /**
   * Sends it a signal.
   *
   * @throws OciError `ERR_OCI_STATE` if it has ended
   */
  async kill(signal: string | number = 'SIGTERM'): Promise<void> {
    const number = signalNumber(signal)
    const errno = this.#handle.watch?.signal(number) ?? ESRCH
    const containerId = this.#containerId
    if (errno === ESRCH) throw new OciError('ERR_OCI_STATE', `process ${this.pid} has ended`, { containerId })
    if (errno !== 0)
      throw stepError({ step: undefined, errno, syscall: 'pidfd_send_signal', text: '', containerId })
  }

  /** Kills it, if it still runs, and closes its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL').catch((error: unknown) => {
      if (!isOciError(error, 'ERR_OCI_STATE')) throw error
    })
    await this.#handle.watch?.ended()
    this.#handle.destroyStreams()
  }
}

/** Checks the options and waits. */
export async function waitFor(
  handle: ProcessHandle,
  call: string,
  options: WaitOptions,
): Promise<ExitStatus> {
  checkOptions(call, options, ['signal', 'drainTimeoutMs'])
  checkDrainTimeout(options.drainTimeoutMs)
  checkSignal(options.signal)
  return handle.wait(options)
}
