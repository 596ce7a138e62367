import { setTimeout as sleep } from 'node:timers/promises'
import type { Step } from '../plan/steps.ts'
import { throwIfAborted } from './abort.ts'
import type { ExitStatus } from './exit.ts'
import { launch } from './launch.ts'
import { ProcessHandle } from './process.ts'
import { planStdio } from './stdio.ts'

/** A program of the host to run to its end. */
export interface ProgramOptions {
  /** A path, or a name that is looked up in the PATH of `env`. */
  program: string
  args: readonly string[]
  env: readonly string[]
  cwd: string
  /** Its standard input. */
  input?: string
  /** Milliseconds after which its process group is killed; 0: none. */
  timeoutMs?: number
  signal?: AbortSignal | undefined
  /** Most bytes of output that are kept: the last ones (default 4 KiB). */
  maxOutput?: number
}

/** How a program of the host ended. */
export interface ProgramResult extends ExitStatus {
  /** The end of what it wrote on its standard output and error. */
  output: string
  timedOut: boolean
}

const TAIL = 4096
const DRAIN_MS = 200

/**
 * Runs a program of the host with the same machinery that launches containers, in the host's namespaces: nothing forks
 * Node, and no signal mask, limit or fd of Node's reaches it. It has its own session, so that it can be killed with all
 * that it started.
 *
 * @throws as a launch does, e.g. `ERR_OCI_PROGRAM_NOT_FOUND`; `ERR_OCI_ABORTED`
 */
export async function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  const { program, args, env, cwd, input = '', timeoutMs = 0, signal, maxOutput = TAIL } = options
  throwIfAborted(signal)
  const init: Step[] = [
    { op: 'setsid' },
    { op: 'chdir', path: cwd },
    { op: 'findProgram', program, env },
    { op: 'exec', args, env },
  ]
  const stdio = planStdio(['pipe', 'pipe', 'pipe'])
  const launched = await launch({
    launch: { host: [], init, flags: 0, pass: [], cgroup: null },
    stdio: stdio.steps,
    streams: stdio.streams,
    keep: stdio.keep,
    until: 'exec',
    signal,
  })
  launched.channel.close()
  launched.closeReport()
  const streams = stdio.open(launched.kept)
  const handle = new ProcessHandle(launched.pid, launched.watch, streams, null)
  const chunks: Buffer[] = []
  let size = 0
  for (const stream of [streams.stdout!, streams.stderr!]) {
    stream.on('data', (data: Buffer) => {
      chunks.push(data)
      size += data.length
      while (size - chunks[0]!.length >= maxOutput) size -= chunks.shift()!.length
    })
  }
  // It may end without reading its input.
  streams.stdin!.on('error', () => {})
  streams.stdin!.end(input)
  const stop = () => killGroup(launched.pid)
  const timer = new AbortController()
  let timedOut = false
  if (timeoutMs > 0) {
    void sleep(timeoutMs, undefined, { signal: timer.signal }).then(
      () => {
        timedOut = true
        stop()
      },
      () => {},
    )
  }
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const status = await handle.wait({ drainTimeoutMs: DRAIN_MS })
    throwIfAborted(signal)
    return { ...status, output: Buffer.concat(chunks).subarray(-maxOutput).toString('utf8'), timedOut }
  } finally {
    timer.abort()
    signal?.removeEventListener('abort', stop)
    handle.destroyStreams()
  }
}

/** Only to be called while the leader is not reaped. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {}
}
