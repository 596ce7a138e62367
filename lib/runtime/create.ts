import { isOciError, OciError } from '../errors.ts'
import { SYNC } from '../plan/messages.ts'
import { SLOT, SLOT_RANGE } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import type { Launch } from '../plan/types.ts'
import { throwIfAborted } from './abort.ts'
import { closeAll, encodeBatch, runBatch, tryBatch } from './batch.ts'
import { oomKilled, type PlannedCgroup } from './cgroups.ts'
import { Pty } from './console.ts'
import { connectConsole } from './console-socket.ts'
import { runCreationHooks, runHooksOfFailure } from './create-hooks.ts'
import { planCreate } from './create-plan.ts'
import {
  cgroupSteps,
  explainStateError,
  replaceRecordStep,
  STATE_DIRECTORY_STEP,
  stateSteps,
  undoCgroupSteps,
} from './create-steps.ts'
import { writeIdMaps } from './idmap.ts'
import { encodeInit, type FailedLaunch, type Launched, type Spawned, tryLaunch } from './launch.ts'
import { type NextRecord, takeNextRecord, writeNextRecord } from './next-record.ts'
import type { CheckedCreate } from './options.ts'
import { sendPidfd } from './pidfd-socket.ts'
import { readStat } from './proc.ts'
import { ProcessHandle } from './process.ts'
import type { RecordHead } from './record.ts'
import type { Snapshot } from './snapshot.ts'
import { NO_STDIO, planStdio, type StdioPlan } from './stdio.ts'
import { stateDir } from './store.ts'
import { Tracer } from './trace.ts'
import { pidFileStep, undoAll } from './undo.ts'

/** What `create` knows of the container that it made, for the operations that follow in this process. */
export interface Created {
  head: RecordHead
  snapshot: Snapshot
  handle: ProcessHandle
  /** The state directory, open; start closes it. */
  state: number
  /** The report page; start closes it. */
  report: number
  tracer: Tracer | undefined
}

/** Makes a container up to `created`. If that fails, everything is as it was before. */
export async function createContainer(root: string, id: string, options: CheckedCreate): Promise<Created> {
  return new Creation(root, id, options).run()
}

class Creation {
  readonly #root: string
  readonly #id: string
  readonly #options: CheckedCreate
  readonly #tracer: Tracer | undefined
  #snapshot!: Snapshot
  #head!: RecordHead
  #launch!: Launch
  #cgroup!: PlannedCgroup
  /** Where in the host batch the cgroup's steps begin. */
  #cgroupAt = -1
  /** The step of the cgroup's own batch that failed, Infinity: none did. Undefined: it has none. */
  #cgroupFailed: Promise<number> | undefined
  #nextRecord: NextRecord | undefined

  constructor(root: string, id: string, options: CheckedCreate) {
    this.#root = root
    this.#id = id
    this.#options = options
    this.#tracer = options.trace ? new Tracer() : undefined
  }

  async run(): Promise<Created> {
    const { signal, consoleSocket } = this.#options
    throwIfAborted(signal, this.#id)
    const { snapshot, head, launch, cgroup } = await planCreate(this.#root, this.#id, this.#options)
    this.#snapshot = snapshot
    this.#head = head
    this.#launch = launch
    this.#cgroup = cgroup
    const { process } = this.#snapshot.config
    if (consoleSocket !== undefined && !process?.terminal) {
      throw new OciError('ERR_OCI_OPTION_INVALID', 'consoleSocket: the process has no terminal', {
        path: '/process/terminal',
      })
    }
    const console = consoleSocket === undefined ? -1 : connectConsole(consoleSocket)
    try {
      return await this.#make(process?.terminal ? NO_STDIO : planStdio(this.#options.stdio), console)
    } finally {
      closeAll([console])
    }
  }

  async #make(stdio: StdioPlan, console: number): Promise<Created> {
    const { preserveFds } = this.#options
    const slots = [...stdio.slots, ...preserveFds.flatMap((fd, index) => [SLOT_RANGE.preserved + index, fd])]
    if (console >= 0) slots.push(SLOT.consoleSocket, console)
    const launched = await (this.#launch.joinsLater
      ? this.#launchBesideCgroup(stdio, slots)
      : this.#launchInCgroup(stdio, slots))
    await this.#nextRecord?.written
    if ('error' in launched) {
      await this.#undo(launched.hostStep, launched.error)
      throw explainStateError(launched.error, launched.hostStep, this.#id)
    }
    const [state, lock, ...ends] = launched.kept as [number, number, ...number[]]
    try {
      await this.#finish(launched, state)
    } catch (error) {
      launched.watch.signal(9)
      await launched.watch.ended()
      launched.channel.close()
      launched.closeReport()
      closeAll([launched.console, state, lock, ...ends])
      await this.#undo(-1, error)
      throw error
    }
    launched.channel.close()
    closeAll([lock])
    const pty = launched.console < 0 ? null : new Pty(launched.console)
    const handle = new ProcessHandle(launched.pid, launched.watch, stdio.open(ends), pty)
    return {
      head: this.#head,
      snapshot: this.#snapshot,
      handle,
      state,
      report: launched.report,
      tracer: this.#tracer,
    }
  }

  /** State directory, cgroup and launch in one batch. The first fds that the launch has kept are the state's and the lock's. */
  #launchInCgroup(stdio: StdioPlan, slots: number[]): Promise<Launched | FailedLaunch> {
    const before = this.#stateSteps()
    this.#cgroupAt = before.length
    before.push(...cgroupSteps(this.#cgroup), ...(this.#cgroup.creation?.open ?? []))
    const keep = [SLOT.state, SLOT.lock, ...stdio.keep]
    const onSpawn = ({ pid, kept }: Spawned) => this.#writeNextRecord(pid, kept[0]!)
    return tryLaunch({ ...this.#request(stdio), before, slots, keep, onSpawn })
  }

  /** As `#launchInCgroup`, with the cgroup made beside the launch: init joins it when that is done. */
  async #launchBesideCgroup(stdio: StdioPlan, slots: number[]): Promise<Launched | FailedLaunch> {
    const keep = [SLOT.state, SLOT.lock, SLOT.start]
    const options = { containerId: this.#id, tracer: this.#tracer }
    // First of all: what can't be encoded is refused before anything is touched.
    const encoded = encodeInit(this.#launch, this.#tracer)
    const steps = cgroupSteps(this.#cgroup)
    const encodedSteps = encodeBatch(steps, this.#tracer)
    const ground = await tryBatch(this.#stateSteps(), { keep, ...options })
    if (ground.error !== null) {
      closeAll(ground.fds)
      return { error: ground.error, hostStep: ground.failure?.step ?? 0 }
    }
    const [state, lock, start] = ground.fds as [number, number, number]
    const cgroup = tryBatch(steps, { encoded: encodedSteps, slots: [SLOT.state, state], ...options })
    this.#cgroupFailed = cgroup.then(
      ({ failure }) => failure?.step ?? Number.POSITIVE_INFINITY,
      () => 0,
    )
    const onSpawn = ({ pid, go, fail }: Spawned) => {
      void cgroup.then(({ error }) => (error === null ? go() : fail(error)), fail)
      this.#writeNextRecord(pid, state)
    }
    const launched = await tryLaunch({
      ...this.#request(stdio),
      encoded,
      slots: [...slots, SLOT.start, start],
      keep: stdio.keep,
      onSpawn,
    }).catch((error: OciError): FailedLaunch => ({ error, hostStep: -1 }))
    await this.#cgroupFailed
    await this.#nextRecord?.written
    closeAll('error' in launched ? [start, state, lock] : [start])
    return 'error' in launched
      ? { ...launched, hostStep: -1 }
      : { ...launched, kept: [state, lock, ...launched.kept] }
  }

  #stateSteps(): Step[] {
    return stateSteps(this.#root, this.#head, this.#snapshot.text, Boolean(this.#options.notify))
  }

  #request({ steps, streams }: StdioPlan) {
    const { signal, warn } = this.#options
    return {
      launch: this.#launch,
      stdio: steps,
      streams,
      until: 'created' as const,
      containerId: this.#id,
      signal,
      tracer: this.#tracer,
      onSync: (name: number, pid: number, pidfd: number) => this.#sync(name, pid, pidfd),
      onWarning: (message: string) => warn({ message }),
      explainKill: async () =>
        (await oomKilled(this.#cgroup.location))
          ? 'memory ran out: raise linux.resources.memory.limit'
          : undefined,
    }
  }

  async #sync(name: number, pid: number, pidfd: number): Promise<void> {
    const { signal } = this.#options
    const { maps } = this.#launch
    if (name === SYNC.map && maps !== null) return writeIdMaps(maps, pid, pidfd, this.#id, signal)
    if (name !== SYNC.hooks) throw new OciError('ERR_OCI_INTERNAL', `init asks for the unknown ${name}`)
    return runCreationHooks(this.#head, this.#snapshot.config, pid, signal)
  }

  /** While init is at work, the record that names it is written, for #finish to put it in its place. */
  #writeNextRecord(pid: number, state: number): void {
    if (this.#setProcess(pid))
      this.#nextRecord = writeNextRecord(state, this.#head, this.#snapshot.text, this.#tracer)
  }

  /** False: the process is gone. */
  #setProcess(pid: number): boolean {
    const stat = readStat(pid)
    if (stat === null) return false
    this.#head.pid = pid
    this.#head.startTime = stat.startTime
    return true
  }

  /** Records the pid, and then lets init go on without us. */
  async #finish({ pid, channel, watch }: Launched, state: number): Promise<void> {
    const { pidFile, pidfdSocket, signal } = this.#options
    throwIfAborted(signal, this.#id)
    if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, watch.pidfd, 'standard')
    const written = this.#nextRecord?.pid === pid && (await this.#nextRecord.written)
    const steps: Step[] = []
    if (!written || !takeNextRecord(state)) {
      if (!this.#setProcess(pid)) {
        throw new OciError('ERR_OCI_INIT_DIED', undefined, { containerId: this.#id })
      }
      steps.push(replaceRecordStep(this.#head, this.#snapshot.text))
    }
    if (steps.length === 0 && pidFile === undefined && channel.send('go') === 0) return
    if (pidFile !== undefined) steps.push(pidFileStep(pidFile, pid))
    steps.push({ op: 'sendGo', slot: SLOT.socket })
    await runBatch(steps, {
      slots: [SLOT.state, state, SLOT.socket, channel.fd],
      containerId: this.#id,
      tracer: this.#tracer,
    })
  }

  /** Takes everything back. `hostStep`: the step of the host batch that failed, or -1: all were done. */
  async #undo(hostStep: number, cause: unknown): Promise<void> {
    if (hostStep >= 0 && hostStep <= STATE_DIRECTORY_STEP) return
    const done = hostStep < 0 ? Number.POSITIVE_INFINITY : hostStep - this.#cgroupAt
    const failed = this.#launch.joinsLater ? ((await this.#cgroupFailed) ?? -1) : done
    const steps = undoCgroupSteps(this.#cgroup, failed)
    await undoAll(steps, stateDir(this.#root, this.#id))
    if (!isOciError(cause, 'ERR_OCI_HOOK_FAILED')) return
    await runHooksOfFailure(this.#head, this.#snapshot.config, this.#options.warn)
  }
}
