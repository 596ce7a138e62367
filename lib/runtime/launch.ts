import type { OciError } from '../errors.ts'
import { encodePlan } from '../plan/encode.ts'
import { SLOT } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import type { Launch } from '../plan/types.ts'
import { throwIfAborted } from './abort.ts'
import { closeAll, tryBatch } from './batch.ts'
import type { Channel } from './channel.ts'
import type { ExitWatch } from './exit.ts'
import { Talk, type TalkRequest } from './talk.ts'
import type { Tracer } from './trace.ts'

/** What to launch, and how far. */
export interface LaunchRequest extends TalkRequest {
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
  /** Called as soon as the process is there, and init is at work. */
  onSpawn?: (spawned: Spawned) => void
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

function closeReport(this: { report: number }): void {
  closeAll([this.report])
  this.report = -1
}

/**
 * Runs the host steps and the spawn in one batch, then talks with init until it is `created` or the program is executed.
 * A failure leaves no process and no fd behind; it is returned so that the caller can undo the rest.
 */
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

/** Encodes init's plan ahead of its time: what can't be encoded is refused here. Throws as `encodePlan` does. */
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
