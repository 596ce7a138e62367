import { constants, renameSync } from 'node:fs'
import { removeSteps } from '../cgroup/operate.ts'
import { isOciError, OciError } from '../errors.ts'
import { native } from '../native.ts'
import { SYNC } from '../plan/messages.ts'
import { SLOT, SLOT_RANGE } from '../plan/slots.ts'
import { containerState } from '../plan/state.ts'
import type { Step } from '../plan/steps.ts'
import type { Launch } from '../plan/types.ts'
import { throwIfAborted } from './abort.ts'
import { closeAll, runBatch, tryBatch } from './batch.ts'
import { oomKilled, type PlannedCgroup, undoMake } from './cgroups.ts'
import { Pty } from './console.ts'
import { connectConsole } from './console-socket.ts'
import { planCreate } from './create-plan.ts'
import { runHooks, runHooksLeniently } from './hooks.ts'
import { writeIdMaps } from './idmap.ts'
import { type Launched, tryLaunch } from './launch.ts'
import type { CheckedCreate } from './options.ts'
import { sendPidfd } from './pidfd-socket.ts'
import { readStat } from './proc.ts'
import { ProcessHandle } from './process.ts'
import { encodeRecord, type RecordHead } from './record.ts'
import type { Snapshot } from './snapshot.ts'
import { NO_STDIO, planStdio, type StdioPlan } from './stdio.ts'
import {
  LOCK_FILE,
  NEXT_STATE_FILE,
  NOTIFY_DIR,
  OWNED_FILE,
  START_SOCKET,
  STATE_FILE,
  stateDir,
} from './store.ts'
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

/** A record of the process that is written already, but not in its place yet. */
interface PreparedRecord {
  pid: number
  /** Whether that worked. Never rejects. */
  written: Promise<boolean>
}

const EEXIST = 17

/** Makes a container up to `created`. If that fails, everything is as it was before. */
export async function createContainer(root: string, id: string, options: CheckedCreate): Promise<Created> {
  return new Creation(root, id, options).run()
}

/** The plan of a container that would be created, without creating it. */
export async function planContainer(id: string, options: CheckedCreate): Promise<Launch> {
  return (await planCreate('/', id, options)).launch
}

/** Puts the prepared record into its place: too little to be worth the way to a worker thread. */
function takeRecord(state: number): boolean {
  const directory = `/proc/self/fd/${state}`
  try {
    renameSync(`${directory}/${NEXT_STATE_FILE}`, `${directory}/${STATE_FILE}`)
    return true
  } catch {
    return false
  }
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
  /** Where in the host batch the parts begin. */
  #stateAt = -1
  #makeAt = -1
  #ownedAt = -1

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
    const { signal, preserveFds, warn } = this.#options
    const id = this.#id
    const before = this.#hostSteps()
    const slots = [...stdio.slots, ...preserveFds.flatMap((fd, index) => [SLOT_RANGE.preserved + index, fd])]
    if (console >= 0) slots.push(SLOT.consoleSocket, console)
    let record: PreparedRecord | undefined
    const launched = await tryLaunch({
      launch: this.#launch,
      before,
      stdio: stdio.steps,
      streams: stdio.streams,
      slots,
      keep: [SLOT.state, SLOT.lock, ...stdio.keep],
      until: 'created',
      containerId: id,
      signal,
      tracer: this.#tracer,
      onSpawn: (pid, [state]) => {
        record = this.#prepareRecord(pid, state!)
      },
      onSync: (name, pid, pidfd) => this.#sync(name, pid, pidfd),
      onWarning: (message) => warn({ message }),
      explainKill: async () =>
        (await oomKilled(this.#cgroup.location))
          ? 'memory ran out: raise linux.resources.memory.limit'
          : undefined,
    })
    await record?.written
    if ('error' in launched) {
      await this.#undo(launched.hostStep, launched.error)
      throw this.#explain(launched.error, launched.hostStep)
    }
    const [state, lock, ...ends] = launched.kept as [number, number, ...number[]]
    try {
      await this.#finish(launched, state, record)
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

  #hostSteps(): Step[] {
    const { make = [], limits = [], open = [] } = this.#cgroup.creation ?? {}
    const { O_CREAT, O_EXCL, O_RDWR } = constants
    const steps: Step[] = [
      { op: 'mkdir', path: this.#root, mode: 0o700, parents: true, existOk: true },
      { op: 'mkdir', path: stateDir(this.#root, this.#id), mode: 0o700, to: SLOT.state },
      {
        op: 'open',
        to: SLOT.lock,
        dir: SLOT.state,
        path: LOCK_FILE,
        flags: O_RDWR | O_CREAT | O_EXCL,
        mode: 0o600,
      },
      { op: 'lock', slot: SLOT.lock, timeoutMs: 0 },
      this.#stateStep(false),
      { op: 'listen', to: SLOT.start, dir: SLOT.state, path: START_SOCKET },
    ]
    if (this.#options.notify) steps.push({ op: 'mkdir', dir: SLOT.state, path: NOTIFY_DIR, mode: 0o755 })
    this.#stateAt = 1
    this.#makeAt = steps.length
    steps.push(...make)
    this.#ownedAt = steps.length
    // From here on what is in the cgroup is ours, and may be killed.
    const owned = {
      dir: SLOT.state,
      path: OWNED_FILE,
      data: new Uint8Array(),
      flags: O_CREAT | O_EXCL,
      mode: 0o600,
    }
    if (make.length > 0) steps.push({ op: 'write', ...owned })
    steps.push(...limits, ...open)
    return steps
  }

  #stateStep(atomic: boolean): Step {
    const data = encodeRecord(this.#head, this.#snapshot.text)
    const common = { op: 'write', dir: SLOT.state, path: STATE_FILE, data, mode: 0o600 } as const
    return atomic ? { ...common, atomic } : { ...common, flags: constants.O_CREAT | constants.O_EXCL }
  }

  async #sync(name: number, pid: number, pidfd: number): Promise<void> {
    const { signal } = this.#options
    const { maps } = this.#launch
    if (name === SYNC.map && maps !== null) return writeIdMaps(maps, pid, pidfd, this.#id, signal)
    if (name !== SYNC.hooks) throw new OciError('ERR_OCI_INTERNAL', `init asks for the unknown ${name}`)
    const { hooks } = this.#snapshot.config
    const context = this.#hookContext('creating', pid)
    await runHooks('prestart', hooks?.prestart, context)
    await runHooks('createRuntime', hooks?.createRuntime, context)
  }

  #hookContext(status: 'creating' | 'stopped', pid: number) {
    const state = containerState({ ...this.#head, config: this.#snapshot.config }, status, pid)
    const { signal } = this.#options
    return { containerId: this.#id, state: JSON.stringify(state), bundle: this.#head.bundle, signal }
  }

  /** While init is at work, the record that names it is written, for #finish to put it in its place. */
  #prepareRecord(pid: number, state: number): PreparedRecord | undefined {
    const stat = readStat(pid)
    if (stat === null) return undefined
    this.#setProcess(pid, stat.startTime)
    const own = native().dup(state)
    if (own < 0) return undefined
    const data = encodeRecord(this.#head, this.#snapshot.text)
    const flags = constants.O_CREAT | constants.O_EXCL
    const write: Step = { op: 'write', dir: SLOT.state, path: NEXT_STATE_FILE, data, flags, mode: 0o600 }
    const batch = tryBatch([write], { slots: [SLOT.state, own], tracer: this.#tracer })
    return { pid, written: batch.then(({ error }) => error === null).finally(() => closeAll([own])) }
  }

  #setProcess(pid: number, startTime: number): void {
    this.#head.pid = pid
    this.#head.startTime = startTime
  }

  /** Records the pid, and then lets init go on without us. */
  async #finish({ pid, channel, watch }: Launched, state: number, record?: PreparedRecord): Promise<void> {
    const { pidFile, pidfdSocket, signal } = this.#options
    throwIfAborted(signal, this.#id)
    if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, watch.pidfd, 'standard')
    if (pidFile === undefined && record?.pid === pid && (await record.written)) {
      if (takeRecord(state) && channel.send('go') === 0) return
    }
    const stat = readStat(pid)
    if (stat === null) throw new OciError('ERR_OCI_INIT_DIED', undefined, { containerId: this.#id })
    this.#setProcess(pid, stat.startTime)
    const steps: Step[] = [this.#stateStep(true)]
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
    const failed = hostStep < 0 ? Number.POSITIVE_INFINITY : hostStep
    if (failed <= this.#stateAt) return
    const { location, creation } = this.#cgroup
    const steps: Step[] = []
    if (failed >= this.#ownedAt) steps.push(...removeSteps(location, { kill: true }))
    else if (failed >= this.#makeAt)
      steps.push(...undoMake(location, creation?.make ?? [], failed - this.#makeAt))
    await undoAll(steps, stateDir(this.#root, this.#id))
    if (!isOciError(cause, 'ERR_OCI_HOOK_FAILED')) return
    const { hooks } = this.#snapshot.config
    const context = { ...this.#hookContext('stopped', 0), signal: undefined }
    await runHooksLeniently('poststop', hooks?.poststop, context, (message) =>
      this.#options.warn({ message }),
    )
  }

  #explain(error: OciError, hostStep: number): OciError {
    if (hostStep === this.#stateAt && error.errno === EEXIST) {
      return new OciError('ERR_OCI_ID_IN_USE', `container with id ${this.#id} already exists`, {
        containerId: this.#id,
      })
    }
    return error
  }
}
