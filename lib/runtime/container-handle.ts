import { closeSync, constants, openSync } from 'node:fs'
import type { Config, Resources } from '../../types/index.ts'
import type { Stats } from '../cgroup/stats/types.ts'
import { checkOptions } from '../config/options.ts'
import { isOciError, OciError } from '../errors.ts'
import { throwIfAborted } from './abort.ts'
import type { DeleteOptions, KillOptions, SignalOptions } from './call-options.ts'
import { oomKilled } from './cgroups.ts'
import { deleteById, deleteRecorded } from './delete.ts'
import type { EventsOptions } from './event-types.ts'
import { EventStream } from './events.ts'
import { type Executed, execProcess } from './exec.ts'
import { freezeContainer } from './freeze.ts'
import { killContainer } from './kill.ts'
import { checkSignal, type ExecOptions, type StartOptions, type Warning } from './options.ts'
import { poststart } from './poststart.ts'
import type { ProcessHandle } from './process.ts'
import { listProcesses } from './processes.ts'
import { inTurn } from './queue.ts'
import type { RecordHead } from './record.ts'
import { signalNumber } from './signals.ts'
import { startContainer } from './start.ts'
import { readStats } from './stats.ts'
import { type ContainerState, currentSituation, stateOf } from './status.ts'
import { notFound, stateDir } from './store.ts'
import type { TraceEvent, Tracer } from './trace.ts'
import { updateContainer } from './update.ts'
import { forgetWatch } from './watches.ts'

/** What a handle is made of. */
export interface ContainerParts {
  root: string
  head: RecordHead
  config: Config
  process: ProcessHandle
  /** The state directory and init's report, open until the start; -1: not held. */
  state: number
  report: number
  tracer: Tracer | undefined
  warn: (warning: Warning) => void
}

/** Reads what a container has used. */
export type StatsReader<T> = (root: string, head: RecordHead) => Promise<T>

/** What this process holds of a container, and the calls on it. */
export class ContainerHandle {
  readonly head: RecordHead
  /** Its first process. */
  readonly process: ProcessHandle
  readonly #root: string
  readonly #tracer: Tracer | undefined
  readonly #warn: (warning: Warning) => void
  #config: Config
  #state: number
  #report: number
  #starting = false
  #deleted = false

  constructor(parts: ContainerParts) {
    this.head = parts.head
    this.process = parts.process
    this.#root = parts.root
    this.#config = parts.config
    this.#state = parts.state
    this.#report = parts.report
    this.#tracer = parts.tracer
    this.#warn = parts.warn
    // Nobody can start it any more, whoever ended it; a start that is under way closes them itself.
    if (this.#state >= 0) void this.process.watch?.exited.then(() => this.#starting || this.#closeFds())
  }

  get config(): Config {
    return structuredClone(this.#config)
  }

  get trace(): readonly TraceEvent[] {
    return this.#tracer?.events ?? []
  }

  async start(options: StartOptions): Promise<void> {
    checkOptions('Container.start', options, ['process', 'signal'])
    const signal = checkSignal(options.signal)
    this.#use()
    const { head } = this
    const { watch } = this.process
    if (watch === null || watch.status !== undefined) throw stopped(head.id)
    const state = this.#state >= 0 ? this.#state : openDirectory(stateDir(this.#root, head.id), head.id)
    const own = state === this.#state
    this.#starting = own
    try {
      await startContainer({
        head,
        config: this.#config,
        watch,
        state,
        report: this.#report,
        process: options.process,
        signal,
        tracer: this.#tracer,
        warn: this.#warn,
        explainKill: async () =>
          (await oomKilled(head.cgroup)) ? 'memory ran out: raise linux.resources.memory.limit' : undefined,
      })
      if (own) this.#closeFds()
    } finally {
      this.#starting = false
      if (!own) closeSync(state)
      else if (watch.status !== undefined) this.#closeFds()
    }
    await poststart(head, this.#config, watch, signal)
  }

  async exec(options: ExecOptions): Promise<Executed> {
    this.#use()
    return execProcess({ root: this.#root, ...this.#target() }, options)
  }

  async kill(signal: string | number, options: KillOptions): Promise<void> {
    const number = signalNumber(signal)
    this.#check('kill', options, ['all', 'signal'])
    await killContainer(this.#root, this.#target(), number, options.all === true)
  }

  async freeze(frozen: boolean, options: SignalOptions): Promise<void> {
    await this.#change(frozen ? 'pause' : 'resume', options, () =>
      freezeContainer(this.#root, this.head, frozen),
    )
  }

  async update(resources: Resources, options: SignalOptions): Promise<void> {
    await this.#change('update', options, async () => {
      this.#config = (await updateContainer(this.#root, this.head.id, resources, this.#warn)).config
    })
  }

  async stats(options: SignalOptions): Promise<Stats> {
    this.#check('stats', options)
    return readStats(this.#root, this.head)
  }

  /** @param read reads the stats, for those who want them in another form */
  events<T = Stats>(
    options: EventsOptions,
    read: StatsReader<T> = readStats as StatsReader<T>,
  ): EventStream<T> {
    checkOptions('Container.events', options, ['intervalMs', 'signal'])
    checkSignal(options.signal)
    this.#use()
    const { head, process } = this
    return new EventStream(
      {
        id: head.id,
        cgroup: head.cgroup,
        watch: process.watch,
        readStats: () => read(this.#root, head),
      },
      options,
    )
  }

  async processes(options: SignalOptions): Promise<number[]> {
    this.#check('processes', options)
    return listProcesses(this.head)
  }

  async state(options: SignalOptions): Promise<ContainerState> {
    this.#check('state', options)
    const { id, pid, startTime } = this.head
    const found = await currentSituation(this.#root, id)
    // Another one of that name may have come since.
    if (found?.record.pid !== pid || found.record.startTime !== startTime) throw notFound(id)
    return stateOf(found.record, found.status)
  }

  async delete(options: DeleteOptions): Promise<void> {
    checkOptions('Container.delete', options, ['force', 'signal'])
    const { force = false } = options
    const signal = checkSignal(options.signal)
    await inTurn(containerKey(this.#root, this.head.id), signal, async () => {
      if (this.#deleted) return
      try {
        const request = { force, signal, warn: this.#warn }
        // One whose creator died halfway.
        if (this.head.pid === 0) await deleteById(this.#root, this.head.id, request)
        else await deleteRecorded(this.#root, this.#target(), request)
      } catch (error) {
        // Another process was faster.
        if (!isOciError(error, 'ERR_OCI_NOT_FOUND') || !force) throw error
      }
      this.#deleted = true
      this.#closeFds()
      forgetWatch(this.head)
    })
  }

  #target() {
    return { head: this.head, config: this.#config, watch: this.process.watch }
  }

  async #change(call: string, options: SignalOptions, task: () => Promise<void>): Promise<void> {
    this.#check(call, options)
    await inTurn(containerKey(this.#root, this.head.id), options.signal, task)
  }

  #check(call: string, options: SignalOptions, names: readonly string[] = ['signal']): void {
    checkOptions(`Container.${call}`, options, names)
    throwIfAborted(checkSignal(options.signal))
    this.#use()
  }

  #use(): void {
    if (this.#deleted) throw notFound(this.head.id)
  }

  #closeFds(): void {
    for (const fd of [this.#state, this.#report]) if (fd >= 0) closeSync(fd)
    this.#state = -1
    this.#report = -1
  }
}

/** The key of the calls that take turns on a container. */
export function containerKey(root: string, id: string): string {
  return `${root}\0${id}`
}

function stopped(containerId: string): OciError {
  return new OciError('ERR_OCI_STATE', `container ${containerId} is stopped: it can’t be started`, {
    containerId,
  })
}

function openDirectory(path: string, id: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch {
    throw notFound(id)
  }
}
