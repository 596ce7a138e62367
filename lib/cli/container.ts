import { readFile } from 'node:fs/promises'
import type { Process } from '../../types/index.ts'
import { Bundle } from '../bundle.ts'
import { parseJson } from '../config/json.ts'
import { Container } from '../container.ts'
import { OciError } from '../errors.ts'
import { native } from '../native.ts'
import type { CreateOptions, Warning } from '../runtime/options.ts'
import type { TraceEvent } from '../runtime/trace.ts'
import type { Flags, FlagValues } from './args.ts'
import type { Invocation } from './command.ts'
import { absolute } from './globals.ts'
import type { CliIo } from './io.ts'

/** Flags of create and run. */
export const CREATE_FLAGS = {
  bundle: { type: 'string', short: 'b', value: 'DIR', help: 'path to the root of the bundle directory' },
  'console-socket': {
    type: 'string',
    value: 'PATH',
    help: 'unix socket that receives the terminal’s master',
  },
  'pidfd-socket': { type: 'string', value: 'PATH', help: 'unix socket that receives a pidfd of the process' },
  'pid-file': { type: 'string', value: 'FILE', help: 'file to write the process id to' },
  'no-pivot': { type: 'bool', help: 'do not use pivot_root: for a root filesystem on a ramdisk' },
  'no-new-keyring': { type: 'bool', help: 'do not create a new session keyring for the container' },
  'preserve-fds': { type: 'int', value: 'N', help: 'pass N additional file descriptors (3, 4, …)' },
} as const satisfies Flags

/** The root option of the global flags, as the library takes it. */
export function rootOption({ globals }: Pick<Invocation, 'globals'>): { root: string } {
  return { root: globals.root }
}

/** The container that the first positional names. */
export function loadContainer(invocation: Pick<Invocation, 'args' | 'globals'>): Promise<Container> {
  return Container.load(invocation.args[0] ?? '', rootOption(invocation))
}

/** Where the library's warnings go. */
export function warnings({ warn }: Pick<Invocation, 'warn'>): (warning: Warning) => void {
  return ({ path, message }) => warn(path ? `${path}: ${message}` : message)
}

/** The options of `Container.create` that create and run have in common. The bundle is loaded and its terminal checked. */
export async function createOptions(
  invocation: Pick<Invocation, 'flags' | 'globals' | 'io' | 'warn'>,
  detach: boolean,
): Promise<CreateOptions> {
  const { flags, globals, io } = invocation
  const given = flags as FlagValues<typeof CREATE_FLAGS>
  const onWarning = warnings(invocation)
  const bundle = await Bundle.load(absolute(given.bundle || io.cwd, io), { onWarning })
  const consoleSocket = absolute(given['console-socket'], io)
  checkTerminal(bundle.config.process?.terminal ?? false, detach, consoleSocket)
  const listen = listenFds(io)
  return {
    bundle,
    root: globals.root,
    stdio: io.stdio,
    cgroupManager: globals.cgroupManager,
    rootless: globals.rootless,
    consoleSocket,
    pidfdSocket: absolute(given['pidfd-socket'], io),
    pidFile: absolute(given['pid-file'], io),
    noPivot: given['no-pivot'] ?? false,
    noNewKeyring: given['no-new-keyring'] ?? false,
    preserveFds: passedFds(listen + (given['preserve-fds'] ?? 0), io),
    listenFds: listen,
    listenFdNames: io.env.LISTEN_FDNAMES,
    notify: Boolean(io.env.NOTIFY_SOCKET),
    trace: globals.level === 'debug',
    onWarning,
  }
}

/**
 * A terminal's master must have somewhere to go: to us in the foreground, else to the console socket.
 *
 * @throws OciError
 */
export function checkTerminal(terminal: boolean, detach: boolean, consoleSocket: string | undefined): void {
  if (terminal && detach && consoleSocket === undefined) {
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      'cannot allocate tty if oci-ts will detach without setting console socket',
    )
  }
  if (consoleSocket !== undefined && !(terminal && detach)) {
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      'cannot use console socket if oci-ts will not detach or allocate tty',
    )
  }
}

/** The number of sockets that the command was activated with (sd_listen_fds(3)). */
function listenFds({ env, pid }: CliIo): number {
  const count = Number(env.LISTEN_FDS)
  return env.LISTEN_PID === String(pid) && Number.isInteger(count) && count > 0 ? count : 0
}

/** The fds that stand for the caller's 3, 4, …: each must have been passed, or the container would get one of ours. */
export function passedFds(count: number, { passedFd }: CliIo): number[] {
  return Array.from({ length: count }, (_, index) => {
    const fd = passedFd?.(index + 3)
    if (fd !== undefined) return fd
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      `unable to preserve fd ${index + 3} (of ${count}): it is not open`,
    )
  })
}

/** Whether an fd is of a terminal: only these have a size. */
export function isTerminal(fd: number): boolean {
  return native().getWinsize(fd) !== null
}

/** The first of the standard streams that is a terminal. */
export function terminalOf({ stdio }: CliIo): number | undefined {
  return stdio.find((fd) => isTerminal(fd))
}

/** Logs the time of every step. */
export function debugTrace(trace: readonly TraceEvent[], { debug }: Pick<Invocation, 'debug'>): void {
  for (const { part, step, target, duration } of trace) {
    debug(`${part}: ${[step, target].filter(Boolean).join(' ')}: ${(duration / 1000).toFixed(1)} µs`)
  }
}

/** Reads a process.json. */
export async function readProcess(path: string): Promise<Process> {
  const { validateProcess } = await import('../config/load.ts')
  return validateProcess(parseJson(await readFile(path, 'utf8')))
}
