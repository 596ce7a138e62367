import type { Readable, Writable } from 'node:stream'
import type { Config, Resources } from '../types/index.ts'
import type { Stats } from './cgroup/stats/types.ts'
import { ContainerProcess, waitFor } from './container-process.ts'
import type { DeleteOptions, KillOptions, RootOptions, SignalOptions } from './runtime/call-options.ts'
import type { Pty } from './runtime/console.ts'
import type { ContainerHandle } from './runtime/container-handle.ts'
import type { ContainerEvent, EventsOptions } from './runtime/event-types.ts'
import type { ExitStatus } from './runtime/exit.ts'
import { operations } from './runtime/lazy.ts'
import type { CreateOptions, ExecOptions, StartOptions } from './runtime/options.ts'
import type { WaitOptions } from './runtime/process.ts'
import type { ContainerState } from './runtime/status.ts'
import type { TraceEvent } from './runtime/trace.ts'

/**
 * A container: `created` by {@link Container.create}, `running` after {@link start}, `stopped` when its first process has
 * ended, gone after {@link delete}. It does not depend on the process that made it: any other can
 * {@link Container.load} it.
 *
 * Calls on one container may overlap, in one process or several: those that change it take turns, and one that comes
 * in the wrong state fails with `ERR_OCI_STATE`. A container alone does not keep Node alive; a pending {@link wait} does,
 * and so does reading its output.
 *
 * @example
 * ```ts
 * await using container = await Container.create('demo', { bundle: './busybox' })
 * container.stdout?.pipe(process.stdout)
 * await container.start()
 * const { exitCode } = await container.wait()
 * ```
 */
export class Container implements AsyncDisposable {
  /** Its id: unique below its root. */
  readonly id: string
  /** Pid of its first process on the host. */
  readonly pid: number
  /** Standard input of the process, where `stdio` asks for a pipe, else null. `end()` closes it. */
  readonly stdin: Writable | null
  /** Standard output, where `stdio` asks for a pipe, else null. What is not read is not lost at the end. */
  readonly stdout: Readable | null
  /** Standard error, where `stdio` asks for a pipe, else null. */
  readonly stderr: Readable | null
  /** The terminal, if the process has one and no `consoleSocket` got it, else null. */
  readonly pty: Pty | null
  readonly #handle: ContainerHandle

  private constructor(handle: ContainerHandle) {
    const { head, process } = handle
    this.id = head.id
    this.pid = process.pid
    this.stdin = process.streams.stdin
    this.stdout = process.streams.stdout
    this.stderr = process.streams.stderr
    this.pty = process.pty
    this.#handle = handle
  }

  /**
   * Makes a container, up to the point where only its program has not been executed yet. If that fails, nothing is left of
   * it.
   *
   * @param id letters, digits, `_`, `+`, `-` and `.`
   * @throws OciError `ERR_OCI_ID_INVALID`, `ERR_OCI_ID_IN_USE`, `ERR_OCI_OPTION_INVALID`, `ERR_OCI_BUNDLE_NOT_FOUND`,
   *   `ERR_OCI_CONFIG_INVALID` and others, before anything is touched; `ERR_OCI_STEP_FAILED` and its likes with the step and
   *   the part of the config; `ERR_OCI_PROGRAM_NOT_FOUND`; `ERR_OCI_HOOK_FAILED`; `ERR_OCI_ABORTED`
   */
  static async create(id: string, options: CreateOptions): Promise<Container> {
    const { createHandle } = await operations()
    return new Container(await createHandle(id, options))
  }

  /**
   * Finds a container that this or another process has created. Its streams are not available; the exit status of another
   * process's child is known only on kernels with PIDFD_INFO_EXIT (6.15), and if it was loaded before the end. A container
   * whose creator died halfway is stopped, to be deleted.
   *
   * @throws OciError `ERR_OCI_NOT_FOUND`, `ERR_OCI_STATE` while it is being created, or if its state is damaged
   */
  static async load(id: string, options: RootOptions = {}): Promise<Container> {
    const { loadHandle } = await operations()
    return new Container(await loadHandle(id, options))
  }

  /** The states of all containers of a root. Those that come or go meanwhile may be missing. */
  static async list(options: RootOptions = {}): Promise<ContainerState[]> {
    const { listStates } = await operations()
    return listStates(options)
  }

  /**
   * Deletes a container by its id: also one that can't be loaded, since its creator died halfway or its state is damaged.
   *
   * @throws OciError `ERR_OCI_NOT_FOUND` and `ERR_OCI_STATE`, unless by force
   */
  static async remove(id: string, options: DeleteOptions & RootOptions = {}): Promise<void> {
    const { removeContainer } = await operations()
    await removeContainer(id, options)
  }

  /** Absolute path of its bundle. */
  get bundle(): string {
    return this.#handle.head.bundle
  }

  /** Its config: as it was at create, with the limits of later updates. A copy. */
  get config(): Config {
    return this.#handle.config
  }

  /** The time of every step so far, if create was given `trace`. */
  get trace(): readonly TraceEvent[] {
    return this.#handle.trace
  }

  /**
   * Executes the program. Resolves when that is done and the poststart hooks have run; should one of them fail, the
   * container is killed.
   *
   * @param options `process`: runs another process than the config's, which may be missing then
   * @throws OciError `ERR_OCI_STATE` unless it is created; an error of init kills the container
   */
  async start(options: StartOptions = {}): Promise<void> {
    await this.#handle.start(options)
  }

  /**
   * Resolves when the first process has ended and the output that somebody reads is drained. May be called at any time,
   * and often. Output that nobody reads stays readable. `exitCode` is null if a signal ended it; both are null if the
   * status can't be learned (see {@link Container.load}).
   *
   * @throws OciError `ERR_OCI_ABORTED`
   */
  async wait(options: WaitOptions = {}): Promise<ExitStatus> {
    return waitFor(this.#handle.process, 'Container.wait', options)
  }

  /**
   * Runs another process in the container. Resolves when its program is executed.
   *
   * @throws OciError `ERR_OCI_STATE` if it is stopped or paused, `ERR_OCI_PROGRAM_NOT_FOUND` and others
   */
  async exec(options: ExecOptions): Promise<ContainerProcess> {
    return new ContainerProcess(this.id, await this.#handle.exec(options))
  }

  /**
   * Sends a signal to the first process (default SIGTERM). SIGKILL ends all processes of the container.
   *
   * @throws OciError `ERR_OCI_STATE` if it is stopped
   */
  async kill(signal: string | number = 'SIGTERM', options: KillOptions = {}): Promise<void> {
    await this.#handle.kill(signal, options)
  }

  /**
   * Freezes all processes.
   *
   * @throws OciError `ERR_OCI_STATE`, `ERR_OCI_UNSUPPORTED` without a cgroup
   */
  async pause(options: SignalOptions = {}): Promise<void> {
    await this.#handle.freeze(true, options)
  }

  /**
   * Thaws all processes.
   *
   * @throws OciError `ERR_OCI_STATE` unless it is paused
   */
  async resume(options: SignalOptions = {}): Promise<void> {
    await this.#handle.freeze(false, options)
  }

  /**
   * Changes limits; those that are not given stay.
   *
   * @throws OciError `ERR_OCI_CONFIG_INVALID`, `ERR_OCI_STATE`, `ERR_OCI_CGROUP`
   */
  async update(resources: Resources, options: SignalOptions = {}): Promise<void> {
    await this.#handle.update(resources, options)
  }

  /** What it has used so far. */
  async stats(options: SignalOptions = {}): Promise<Stats> {
    return this.#handle.stats(options)
  }

  /**
   * What happens to it, from this call on: an `exit` event is the last one. Where a reader is slow nothing piles up: stats
   * are read when they are wanted, and events that say nothing new are left out. Nothing is polled, and nothing is held
   * any more after the end, a `break` or an abort. Who waits for the next event keeps Node alive.
   *
   * @example
   * ```ts
   * for await (const event of container.events({ intervalMs: 1000 })) {
   *   if (event.type === 'stats') console.log(event.stats.memory?.usageBytes)
   *   else console.log(event.type)
   * }
   * ```
   * @throws OciError `ERR_OCI_OPTION_INVALID`, `ERR_OCI_UNSUPPORTED` for stats without a cgroup, `ERR_OCI_CGROUP`; the
   *   iteration: `ERR_OCI_ABORTED`
   */
  events(options: EventsOptions = {}): AsyncIterableIterator<ContainerEvent> {
    return this.#handle.events(options)
  }

  /** Pids, on the host, of all its processes. */
  async processes(options: SignalOptions = {}): Promise<number[]> {
    return this.#handle.processes(options)
  }

  /**
   * Its state, as the kernel has it now.
   *
   * @throws OciError `ERR_OCI_NOT_FOUND` if it was deleted
   */
  async state(options: SignalOptions = {}): Promise<ContainerState> {
    return this.#handle.state(options)
  }

  /**
   * Deletes it: its cgroups and its state. A second call does nothing.
   *
   * @throws OciError `ERR_OCI_STATE` if it runs (not with `force`)
   */
  async delete(options: DeleteOptions = {}): Promise<void> {
    await this.#handle.delete(options)
  }

  /** Deletes it by force. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete({ force: true })
  }
}
