import { closeSync, constants, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import type { Config, Resources } from '../types/index.ts'
import type { Stats } from './cgroup/stats/index.ts'
import { checkContainerId } from './config/id.ts'
import { checkOptions } from './config/options.ts'
import { ContainerProcess, waitFor } from './container-process.ts'
import { isOciError, OciError } from './errors.ts'
import { throwIfAborted } from './runtime/abort.ts'
import type { Pty } from './runtime/console.ts'
import type { ExitStatus } from './runtime/exit.ts'
import { operations } from './runtime/lazy.ts'
import {
  type CheckedCreate,
  type CreateOptions,
  checkCreateOptions,
  checkSignal,
  type ExecOptions,
  emitWarning,
  type StartOptions,
  type Warning,
} from './runtime/options.ts'
import { ProcessHandle, type WaitOptions } from './runtime/process.ts'
import { inTurn } from './runtime/queue.ts'
import type { RecordHead } from './runtime/record.ts'
import { signalNumber } from './runtime/signals.ts'
import type { ContainerState } from './runtime/status.ts'
import { NO_STREAMS } from './runtime/stdio.ts'
import { notFound, stateDir, stateRoot } from './runtime/store.ts'
import type { TraceEvent, Tracer } from './runtime/trace.ts'
import { forgetWatch, rememberWatch, watchProcess } from './runtime/watches.ts'

/** Options of calls that find containers. */
export interface RootOptions {
  /** Directory of the containers' state (default /run/oci-ts; not as root: $XDG_RUNTIME_DIR/oci-ts). */
  root?: string | undefined
  /** Gives the call up. */
  signal?: AbortSignal | undefined
}

/** Options of `Container.kill`. */
export interface KillOptions {
  /** Send the signal to every process of the container. */
  all?: boolean | undefined
  /** Gives the call up. */
  signal?: AbortSignal | undefined
}

/** Options of `Container.delete`. */
export interface DeleteOptions {
  /** Kill the container if it runs. A container that does not exist (any more) is no error. */
  force?: boolean | undefined
  /** Gives the call up before it has begun to remove anything. */
  signal?: AbortSignal | undefined
}

/** Options of calls that only can be given up. */
export interface SignalOptions {
  /** Gives the call up. */
  signal?: AbortSignal | undefined
}

interface Parts {
  root: string
  head: RecordHead
  config: Config
  handle: ProcessHandle
  state: number
  report: number
  tracer: Tracer | undefined
  warn: (warning: Warning) => void
}

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
  readonly #root: string
  readonly #head: RecordHead
  readonly #handle: ProcessHandle
  readonly #tracer: Tracer | undefined
  readonly #warn: (warning: Warning) => void
  #config: Config
  /** The state directory and init's report, open until the start; -1: closed. */
  #state: number
  #report: number
  #starting = false
  #deleted = false

  private constructor(parts: Parts) {
    const { root, head, handle } = parts
    this.id = head.id
    this.pid = handle.pid
    this.stdin = handle.streams.stdin
    this.stdout = handle.streams.stdout
    this.stderr = handle.streams.stderr
    this.pty = handle.pty
    this.#root = root
    this.#head = head
    this.#config = parts.config
    this.#handle = handle
    this.#state = parts.state
    this.#report = parts.report
    this.#tracer = parts.tracer
    this.#warn = parts.warn
    // Nobody can start it any more, whoever ended it; a start that is under way closes them itself.
    if (this.#state >= 0) void handle.watch?.exited.then(() => this.#starting || this.#closeFds())
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
    checkContainerId(id)
    const checked: CheckedCreate = checkCreateOptions(options)
    const root = stateRoot(options.root)
    const { createContainer } = await operations()
    const created = await inTurn(keyOf(root, id), checked.signal, () => createContainer(root, id, checked))
    const { head, handle, snapshot, state, report, tracer } = created
    rememberWatch(head, handle.watch!)
    return new Container({
      root,
      head,
      config: snapshot.config,
      handle,
      state,
      report,
      tracer,
      warn: checked.warn,
    })
  }

  /**
   * Finds a container that this or another process has created. Its streams are not available; the exit status of another
   * process's child is known only on kernels with PIDFD_INFO_EXIT (6.15), and if it was loaded before the end.
   *
   * @throws OciError `ERR_OCI_NOT_FOUND`, `ERR_OCI_STATE` while it is being created, or if its state is damaged
   */
  static async load(id: string, options: RootOptions = {}): Promise<Container> {
    checkContainerId(id)
    checkOptions('Container.load', options, ['root', 'signal'])
    throwIfAborted(checkSignal(options.signal))
    const root = stateRoot(options.root)
    const { readRecord } = await operations()
    const record = await readRecord(root, id)
    if (record === null || record.pid === 0) {
      throw new OciError('ERR_OCI_STATE', `container ${id} is not created completely`, {
        containerId: id,
        hint: 'if nobody is creating it, Container.remove(id, { force: true }) takes away what is left of it',
      })
    }
    const { config, ...head } = record
    const handle = new ProcessHandle(head.pid, watchProcess(head), NO_STREAMS, null)
    return new Container({
      root,
      head,
      config,
      handle,
      state: -1,
      report: -1,
      tracer: undefined,
      warn: emitWarning,
    })
  }

  /** The states of all containers of a root. Those that come or go meanwhile may be missing. */
  static async list(options: RootOptions = {}): Promise<ContainerState[]> {
    checkOptions('Container.list', options, ['root', 'signal'])
    throwIfAborted(checkSignal(options.signal))
    const { listContainers } = await operations()
    return listContainers(stateRoot(options.root))
  }

  /**
   * Deletes a container by its id: also one that can't be loaded, since its creator died halfway or its state is damaged.
   *
   * @throws OciError `ERR_OCI_NOT_FOUND` and `ERR_OCI_STATE`, unless by force
   */
  static async remove(id: string, options: DeleteOptions & RootOptions = {}): Promise<void> {
    checkContainerId(id)
    checkOptions('Container.remove', options, ['force', 'root', 'signal'])
    const { force = false, signal } = options
    const root = stateRoot(options.root)
    const { deleteById } = await operations()
    await inTurn(keyOf(root, id), checkSignal(signal), () =>
      deleteById(root, id, { force, signal, warn: emitWarning }),
    )
  }

  /** Absolute path of its bundle. */
  get bundle(): string {
    return this.#head.bundle
  }

  /** Its config: as it was at create, with the limits of later updates. A copy. */
  get config(): Config {
    return structuredClone(this.#config)
  }

  /** The time of every step so far, if create was given `trace`. */
  get trace(): readonly TraceEvent[] {
    return this.#tracer?.events ?? []
  }

  /**
   * Executes the program. Resolves when that is done and the poststart hooks have run; should one of them fail, the
   * container is killed.
   *
   * @param options `process`: runs another process than the config's, which may be missing then
   * @throws OciError `ERR_OCI_STATE` unless it is created; an error of init kills the container
   */
  async start(options: StartOptions = {}): Promise<void> {
    checkOptions('Container.start', options, ['process', 'signal'])
    const signal = checkSignal(options.signal)
    this.#use()
    const { startContainer, poststart, oomKilled } = await operations()
    const { watch } = this.#handle
    if (watch === null || watch.status !== undefined) throw this.#wrongState('stopped: it can’t be started')
    const state = this.#state >= 0 ? this.#state : openDirectory(stateDir(this.#root, this.id), this.id)
    const own = state === this.#state
    this.#starting = own
    try {
      await startContainer({
        head: this.#head,
        config: this.#config,
        watch,
        state,
        report: this.#report,
        process: options.process,
        signal,
        tracer: this.#tracer,
        warn: this.#warn,
        explainKill: async () =>
          (await oomKilled(this.#head.cgroup))
            ? 'memory ran out: raise linux.resources.memory.limit'
            : undefined,
      })
      if (own) this.#closeFds()
    } finally {
      this.#starting = false
      if (!own) closeSync(state)
      else if (watch.status !== undefined) this.#closeFds()
    }
    await poststart(this.#head, this.#config, watch, signal)
  }

  /**
   * Resolves when the first process has ended and the output that somebody reads is drained. May be called at any time,
   * and often. Output that nobody reads stays readable. `exitCode` is null if a signal ended it; both are null if the
   * status can't be learned (see {@link Container.load}).
   *
   * @throws OciError `ERR_OCI_ABORTED`
   */
  async wait(options: WaitOptions = {}): Promise<ExitStatus> {
    return waitFor(this.#handle, 'Container.wait', options)
  }

  /**
   * Runs another process in the container. Resolves when its program is executed.
   *
   * @throws OciError `ERR_OCI_STATE` if it is stopped or paused, `ERR_OCI_PROGRAM_NOT_FOUND` and others
   */
  async exec(options: ExecOptions): Promise<ContainerProcess> {
    this.#use()
    const target = { root: this.#root, head: this.#head, config: this.#config, watch: this.#handle.watch }
    const { execProcess } = await operations()
    return new ContainerProcess(this.id, await execProcess(target, options))
  }

  /**
   * Sends a signal to the first process (default SIGTERM). SIGKILL ends all processes of the container.
   *
   * @throws OciError `ERR_OCI_STATE` if it is stopped
   */
  async kill(signal: string | number = 'SIGTERM', options: KillOptions = {}): Promise<void> {
    const number = signalNumber(signal)
    checkOptions('Container.kill', options, ['all', 'signal'])
    throwIfAborted(checkSignal(options.signal))
    this.#use()
    const { killContainer } = await operations()
    await killContainer(this.#root, this.#target(), number, options.all === true)
  }

  /**
   * Freezes all processes.
   *
   * @throws OciError `ERR_OCI_STATE`, `ERR_OCI_UNSUPPORTED` without a cgroup
   */
  async pause(options: SignalOptions = {}): Promise<void> {
    await this.#change('pause', options, async () =>
      (await operations()).freezeContainer(this.#root, this.#head, true),
    )
  }

  /**
   * Thaws all processes.
   *
   * @throws OciError `ERR_OCI_STATE` unless it is paused
   */
  async resume(options: SignalOptions = {}): Promise<void> {
    await this.#change('resume', options, async () =>
      (await operations()).freezeContainer(this.#root, this.#head, false),
    )
  }

  /**
   * Changes limits; those that are not given stay.
   *
   * @throws OciError `ERR_OCI_CONFIG_INVALID`, `ERR_OCI_STATE`, `ERR_OCI_CGROUP`
   */
  async update(resources: Resources, options: SignalOptions = {}): Promise<void> {
    await this.#change('update', options, async () => {
      const { updateContainer } = await operations()
      this.#config = (await updateContainer(this.#root, this.id, resources, this.#warn)).config
    })
  }

  /** What it has used so far. */
  async stats(options: SignalOptions = {}): Promise<Stats> {
    this.#check('stats', options)
    return (await operations()).readStats(this.#root, this.#head)
  }

  /** Pids, on the host, of all its processes. */
  async processes(options: SignalOptions = {}): Promise<number[]> {
    this.#check('processes', options)
    return (await operations()).listProcesses(this.#head)
  }

  /**
   * Its state, as the kernel has it now.
   *
   * @throws OciError `ERR_OCI_NOT_FOUND` if it was deleted
   */
  async state(options: SignalOptions = {}): Promise<ContainerState> {
    this.#check('state', options)
    const { readRecord, stateOf, currentStatus } = await operations()
    const record = await readRecord(this.#root, this.id)
    if (record === null || record.pid !== this.#head.pid || record.startTime !== this.#head.startTime) {
      throw notFound(this.id)
    }
    return stateOf(record, await currentStatus(this.#root, record))
  }

  /**
   * Deletes it: its cgroups and its state. A second call does nothing.
   *
   * @throws OciError `ERR_OCI_STATE` if it runs (not with `force`)
   */
  async delete(options: DeleteOptions = {}): Promise<void> {
    checkOptions('Container.delete', options, ['force', 'signal'])
    const { force = false } = options
    const signal = checkSignal(options.signal)
    const { deleteRecorded } = await operations()
    await inTurn(keyOf(this.#root, this.id), signal, async () => {
      if (this.#deleted) return
      try {
        await deleteRecorded(this.#root, this.#target(), { force, signal, warn: this.#warn })
      } catch (error) {
        // Another process was faster.
        if (!isOciError(error, 'ERR_OCI_NOT_FOUND') || !force) throw error
      }
      this.#deleted = true
      this.#closeFds()
      forgetWatch(this.#head)
    })
  }

  /** Deletes it by force. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete({ force: true })
  }

  #target() {
    return { head: this.#head, config: this.#config, watch: this.#handle.watch }
  }

  async #change(call: string, options: SignalOptions, task: () => Promise<void>): Promise<void> {
    this.#check(call, options)
    await inTurn(keyOf(this.#root, this.id), options.signal, task)
  }

  #check(call: string, options: SignalOptions): void {
    checkOptions(`Container.${call}`, options, ['signal'])
    throwIfAborted(checkSignal(options.signal))
    this.#use()
  }

  #use(): void {
    if (this.#deleted) throw notFound(this.id)
  }

  #wrongState(what: string): OciError {
    return new OciError('ERR_OCI_STATE', `container ${this.id} is ${what}`, { containerId: this.id })
  }

  #closeFds(): void {
    for (const fd of [this.#state, this.#report]) if (fd >= 0) closeSync(fd)
    this.#state = -1
    this.#report = -1
  }
}

function keyOf(root: string, id: string): string {
  return `${root}\0${id}`
}

function openDirectory(path: string, id: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch {
    throw notFound(id)
  }
}
