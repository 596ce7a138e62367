import { constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Config, Process } from '../../types/index.ts'
import { joinCgroup } from '../cgroup/join.ts'
import { locateProcess, subCgroup } from '../cgroup/location.ts'
import type { CgroupLocation } from '../cgroup/types.ts'
import { validateProcess } from '../config/load.ts'
import { checkOptions } from '../config/options.ts'
import { OciError } from '../errors.ts'
import { CLONE } from '../plan/constants.ts'
import { compileExec } from '../plan/exec.ts'
import { SLOT, SLOT_RANGE } from '../plan/slots.ts'
import { throwIfAborted } from './abort.ts'
import { closeAll, runBatch } from './batch.ts'
import { oomKilled } from './cgroups.ts'
import { Pty } from './console.ts'
import { connectConsole } from './console-socket.ts'
import type { ExitWatch } from './exit.ts'
import { hostFacts, type RuntimeFacts } from './facts.ts'
import { type FailedLaunch, type Launched, tryLaunch } from './launch.ts'
import { oomKills } from './oom.ts'
import {
  type CheckedLaunch,
  checkLaunchOptions,
  EXEC_OPTIONS,
  type ExecOptions,
  PROCESS_FIELDS,
} from './options.ts'
import { sendPidfd } from './pidfd-socket.ts'
import { readNamespaces } from './proc.ts'
import { ProcessHandle } from './process.ts'
import type { RecordHead } from './record.ts'
import { compileSeccomp } from './seccomp.ts'
import { liveStatus } from './status.ts'
import { NO_STDIO, planStdio } from './stdio.ts'
import { Tracer } from './trace.ts'
import { pidFileStep } from './undo.ts'

/** The container to exec into. */
export interface ExecTarget {
  root: string
  head: RecordHead
  config: Config
  watch: ExitWatch | null
}

/** A process that was added. */
export interface Executed {
  handle: ProcessHandle
  tracer: Tracer | undefined
}

const ENOENT = 2
const EBUSY = 16
const FLAGS: Readonly<Record<string, number>> = {
  pid: CLONE.NEWPID,
  net: CLONE.NEWNET,
  mnt: CLONE.NEWNS,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
  user: CLONE.NEWUSER,
  cgroup: CLONE.NEWCGROUP,
  time: CLONE.NEWTIME,
}

/**
 * Adds a process to a container. Resolves when its program is executed.
 *
 * @throws `ERR_OCI_STATE` if the container is stopped, or paused; `ERR_OCI_CONFIG_INVALID`; what init says
 */
export async function execProcess(target: ExecTarget, options: ExecOptions): Promise<Executed> {
  checkOptions('exec', options ?? {}, EXEC_OPTIONS)
  const { head, config } = target
  const checked = checkLaunchOptions(options)
  throwIfAborted(checked.signal, head.id)
  const process = validateProcess(processOf(options, config), { at: '/process', onWarning: checked.warn })
  if (checked.consoleSocket !== undefined && !process.terminal) {
    throw new OciError('ERR_OCI_OPTION_INVALID', 'consoleSocket: the process has no terminal')
  }
  checkState(target, options.ignorePaused === true)
  const facts = await hostFacts()
  let location = head.cgroup
  if (options.cgroup !== undefined) {
    location = subCgroup(location, typeof options.cgroup === 'string' ? [options.cgroup] : options.cgroup)
  }
  const console = checked.consoleSocket === undefined ? -1 : connectConsole(checked.consoleSocket)
  try {
    const attempt = new Attempt(target, process, checked, facts, console)
    let launched = await attempt.launch(location)
    // A container that hands controllers on has closed its own cgroup to processes.
    if ('error' in launched && options.cgroup === undefined && isClosed(launched.error)) {
      const text = await readFile(`/proc/${head.pid}/cgroup`, 'utf8').catch(() => '')
      launched = await attempt.launch(locateProcess(location, facts.cgroup, text))
    }
    if ('error' in launched) throw launched.error
    return await attempt.finish(launched)
  } finally {
    closeAll([console])
  }
}

class Attempt {
  readonly #target: ExecTarget
  readonly #process: Process
  readonly #options: CheckedLaunch
  readonly #facts: RuntimeFacts
  readonly #console: number
  readonly #stdio: ReturnType<typeof planStdio>
  #tracer: Tracer | undefined
  #location: CgroupLocation
  #oomBefore = 0

  constructor(
    target: ExecTarget,
    process: Process,
    options: CheckedLaunch,
    facts: RuntimeFacts,
    console: number,
  ) {
    this.#target = target
    this.#location = target.head.cgroup
    this.#process = process
    this.#options = options
    this.#facts = facts
    this.#console = console
    this.#stdio = process.terminal ? NO_STDIO : planStdio(options.stdio)
  }

  async launch(location: CgroupLocation): Promise<Launched | FailedLaunch> {
    const { head, config, watch } = this.#target
    const { preserveFds, noNewKeyring, consoleSocket, signal, warn, trace } = this.#options
    const joinFlags = differing(head.pid, this.#facts)
    const joinRoot = (joinFlags & CLONE.NEWNS) === 0
    const { rootless, cloneIntoCgroup } = this.#facts
    const optional = rootless && !config.linux?.cgroupsPath
    const cgroup = location.mode === 'disabled' ? null : joinCgroup(location, { optional, cloneIntoCgroup })
    const plan = compileExec({
      process: this.#process,
      config,
      id: head.id,
      bundle: head.bundle,
      host: this.#facts,
      seccomp: await compileSeccomp(config),
      preserveFds: preserveFds.length,
      listenPid: false,
      setgroupsDenied: head.start.setgroupsDenied,
      joinFlags,
      joinRoot,
      cgroup,
      consoleSocket: consoleSocket !== undefined,
      noNewKeyring,
    })
    for (const warning of plan.warnings) warn(warning)
    if (watch === null || watch.pidfd < 0) throw stopped(head.id)
    const letGo = watch.lend()
    const slots = [...this.#stdio.slots, SLOT.target, watch.pidfd]
    for (const [index, fd] of preserveFds.entries()) slots.push(SLOT_RANGE.preserved + index, fd)
    if (this.#console >= 0) slots.push(SLOT.consoleSocket, this.#console)
    const root = { op: 'open', to: SLOT.root, path: `/proc/${head.pid}/root`, flags: O_PATH } as const
    this.#tracer = trace ? new Tracer() : undefined
    this.#location = location
    this.#oomBefore = oomKills(location)
    try {
      return await tryLaunch({
        launch: plan,
        before: [
          ...(cgroup?.open ?? []),
          ...(joinRoot ? [root] : []),
          // After what was opened by the pid: it was this process's, then.
          { op: 'signal', pidfd: SLOT.target, signal: 0 },
        ],
        stdio: this.#stdio.steps,
        streams: this.#stdio.streams,
        slots,
        keep: this.#stdio.keep,
        until: 'exec',
        containerId: head.id,
        signal,
        tracer: this.#tracer,
        onWarning: (message) => warn({ message }),
        explainKill: async () =>
          (await oomKilled(location)) ? 'memory ran out in the container' : undefined,
      })
    } finally {
      letGo()
    }
  }

  async finish(launched: Launched): Promise<Executed> {
    const { pidFile, pidfdSocket } = this.#options
    launched.watch.countOom(() => oomKills(this.#location), this.#oomBefore)
    launched.channel.close()
    launched.closeReport()
    const pty = launched.console < 0 ? null : new Pty(launched.console)
    const handle = new ProcessHandle(launched.pid, launched.watch, this.#stdio.open(launched.kept), pty)
    if (pidFile !== undefined || pidfdSocket !== undefined) {
      try {
        if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, launched.watch.pidfd, 'setns')
        if (pidFile !== undefined)
          await runBatch([pidFileStep(pidFile, launched.pid)], { containerId: this.#target.head.id })
      } catch (error) {
        launched.watch.signal(9)
        handle.destroyStreams()
        throw error
      }
    }
    return { handle, tracer: this.#tracer }
  }
}

const O_PATH = 0x200000 | constants.O_DIRECTORY

/** The process: the given one, or the container's own with the given fields in place of its. */
function processOf(options: ExecOptions, config: Config): unknown {
  const given = Object.fromEntries(
    PROCESS_FIELDS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  )
  if (options.process !== undefined) {
    const [first] = Object.keys(given)
    if (first === undefined) return options.process
    throw new OciError('ERR_OCI_OPTION_INVALID', `exec: give process or ${first}, not both`)
  }
  const { terminal: _terminal, consoleSize: _size, ...base } = config.process ?? { args: [], cwd: '/' }
  const env = [...(base.env ?? []), ...((given.env as string[] | undefined) ?? [])]
  return { ...base, ...given, env, args: given.args ?? [] }
}

function checkState({ root, head, watch }: ExecTarget, ignorePaused: boolean): void {
  const status = watch === null || watch.pidfd < 0 ? 'stopped' : liveStatus(root, head)
  if (status === 'stopped') throw stopped(head.id)
  if (status === 'paused' && !ignorePaused) {
    throw new OciError('ERR_OCI_STATE', `container ${head.id} is paused: a process in it would freeze too`, {
      containerId: head.id,
      hint: 'resume it first',
    })
  }
}

function stopped(id: string): OciError {
  return new OciError('ERR_OCI_STATE', `container ${id} is stopped`, { containerId: id })
}

function isClosed({ step = '', errno }: OciError): boolean {
  return ['spawn', 'joinCgroup', 'open'].includes(step) && (errno === EBUSY || errno === ENOENT)
}

/** CLONE_NEW* flags of the namespaces in which a process differs from us. */
function differing(pid: number, facts: RuntimeFacts): number {
  let flags = 0
  for (const [name, value] of Object.entries(readNamespaces(pid))) {
    if (facts.namespaces[name] !== value) flags |= FLAGS[name] ?? 0
  }
  return flags
}
