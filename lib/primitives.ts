/**
 * The primitives of oci-ts: its steps, to compose sandboxes from that have nothing to do with OCI.
 *
 * A {@link Plan} is a list of {@link Step}s: plain objects like `{ op: 'mkdir', path: '/x', mode: 0o755 }`. What there is,
 * with all fields, is in {@link STEPS}. {@link launch} carries a plan out in a new process, by a tiny init program that
 * makes raw system calls, and ends with the program that an `exec` step names. {@link runSteps} carries out steps on the
 * host, on a worker thread of this process. A step that fails is an {@link OciError} that names it, its system call and
 * its error number; what comes after it is not done.
 *
 * Steps hand file descriptors on in **slots**, numbers from 0 to 1023: `to` fills one, `dir`, `root` or `slot` use it. A
 * process and the host each have their own; {@link LaunchIo.fds} fills slots of a process beforehand.
 *
 * Nothing here is a sandbox by itself: a plan is only as tight as its steps.
 *
 * @module
 */
import { checkOptions } from './config/options.ts'
import { ContainerProcess } from './container-process.ts'
import { OciError } from './errors.ts'
import type { Plan, Step } from './plan/steps.ts'
import type { IdMaps } from './plan/types.ts'
import { runBatch } from './runtime/batch.ts'
import { Pty } from './runtime/console.ts'
import { writeIdMaps } from './runtime/idmap.ts'
import { launch as launchProcess } from './runtime/launch.ts'
import { checkSignal, emitWarning, wrong } from './runtime/options.ts'
import { ProcessHandle } from './runtime/process.ts'
import { checkStdio, isOpen, NO_STDIO, planStdio, type Stdio } from './runtime/stdio.ts'
import { Tracer } from './runtime/trace.ts'

export { ContainerProcess } from './container-process.ts'
export { OciError } from './errors.ts'
export { CLOCK, CLONE, ERRNO, MOUNT_ATTR, MS, O, RLIM_INFINITY, S_IFMT } from './plan/constants.ts'
export { type EncodeOptions, encodePlan } from './plan/encode.ts'
export { FD, SYNC } from './plan/messages.ts'
export { SLOT, SLOT_RANGE } from './plan/slots.ts'
export { type Plan, STEPS, type Step, type StepName } from './plan/steps.ts'
export type { IdMaps } from './plan/types.ts'
export { MAX_SLOTS } from './plan/wire.ts'
export { Pty, type TerminalSize } from './runtime/console.ts'
export type { ExitStatus } from './runtime/exit.ts'
export type { WaitOptions } from './runtime/process.ts'
export type { Stdio, StdioTarget } from './runtime/stdio.ts'
export type { TraceEvent, TracePart } from './runtime/trace.ts'

/** What a launch is given besides its plan. */
export interface LaunchIo {
  /**
   * CLONE_NEW* flags of the namespaces that the process is born in. Not CLONE_NEWUSER and CLONE_NEWTIME: those take a step
   * `unshare` (and, for the time, a `fork` after it).
   */
  flags?: number | undefined
  /** Where the standard streams go (default `'pipe'`). With a `console` step they become the terminal. */
  stdio?: Stdio | undefined
  /** The plan has a `console` step without `socket`: its master becomes `pty`, and `stdio` is not used. */
  terminal?: boolean | undefined
  /** Fds of this process to put into slots of the new one, by slot. They stay yours. */
  fds?: Readonly<Record<number, number>> | undefined
  /** The answer to a step `{ op: 'sync', name: SYNC.map }`: the id maps of the user namespace that was unshared before. */
  idMaps?: Pick<IdMaps, 'uid' | 'gid'> & Partial<IdMaps>
  /** The answer to a step `{ op: 'sync', name: SYNC.hooks }`: the process waits until it resolves. */
  onSync?: ((pid: number) => Promise<void>) | undefined
  /** Take the time of every step, for `trace`. */
  trace?: boolean | undefined
  /** Gives the launch up. */
  signal?: AbortSignal | undefined
}

/** What {@link runSteps} is given besides its steps. */
export interface RunIo {
  /** Fds to lend to slots, by slot. */
  fds?: Readonly<Record<number, number>> | undefined
  /** Slots whose fds you want to have. You have to close them. */
  keep?: readonly number[] | undefined
}

/** Host slots from which the given fds are passed on; a process's own slots may be any. */
const LENT = 512
const SYNC_MAP = 1

/**
 * Launches a process that carries out `plan`, whose last step is an `exec`. Resolves when the program is executed.
 *
 * @throws OciError `ERR_OCI_STEP_FAILED` and its likes, `ERR_OCI_PROGRAM_NOT_FOUND`, `ERR_OCI_INIT_DIED`, `ERR_OCI_ABORTED`
 */
export async function launch(plan: Plan, io: LaunchIo = {}): Promise<ContainerProcess> {
  checkOptions('launch', io, ['flags', 'stdio', 'terminal', 'fds', 'idMaps', 'onSync', 'trace', 'signal'])
  const { flags = 0, fds = {}, terminal = false, trace = false, idMaps, onSync } = io
  const signal = checkSignal(io.signal)
  if (plan.at(-1)?.op !== 'exec')
    throw wrong('plan', 'an exec as its last step', plan.at(-1)?.op ?? 'no steps')
  const stdio = terminal ? NO_STDIO : planStdio(checkStdio(io.stdio ?? 'pipe'))
  const tracer = trace ? new Tracer() : undefined
  const given = slotsOf(fds)
  const launched = await launchProcess({
    launch: {
      host: [],
      init: [...plan],
      flags,
      pass: given.map(([slot], index) => [LENT + index, slot]),
      cgroup: null,
    },
    stdio: stdio.steps,
    streams: stdio.streams,
    slots: [...stdio.slots, ...given.flatMap(([, fd], index) => [LENT + index, fd])],
    keep: stdio.keep,
    until: 'exec',
    signal,
    tracer,
    onSync: async (name, pid, pidfd) => {
      if (name !== SYNC_MAP) await onSync?.(pid)
      else if (idMaps === undefined) throw new OciError('ERR_OCI_OPTION_INVALID', 'the plan wants idMaps')
      else await writeIdMaps({ denySetgroups: false, helpers: false, ...idMaps }, pid, pidfd, '', signal)
    },
    onWarning: (message) => emitWarning({ message }),
  })
  launched.channel.close()
  launched.closeReport()
  const pty = launched.console < 0 ? null : new Pty(launched.console)
  const handle = new ProcessHandle(launched.pid, launched.watch, stdio.open(launched.kept), pty)
  return new ContainerProcess('', { handle, tracer })
}

/**
 * Carries out steps on the host, one after another, on a worker thread.
 *
 * @returns the contents that `read` steps have read, and the fds that were asked for
 * @throws OciError for the first step that fails
 */
export async function runSteps(
  steps: readonly Step[],
  io: RunIo = {},
): Promise<{ reads: Uint8Array[]; fds: number[] }> {
  checkOptions('runSteps', io, ['fds', 'keep'])
  const { reads, fds } = await runBatch(steps, { slots: slotsOf(io.fds ?? {}).flat(), keep: io.keep ?? [] })
  return { reads, fds }
}

function slotsOf(fds: Readonly<Record<number, number>>): [slot: number, fd: number][] {
  return Object.entries(fds).map(([slot, fd]) => {
    if (!isOpen(fd)) throw wrong('fds', 'open fds', fd)
    return [Number(slot), fd]
  })
}
