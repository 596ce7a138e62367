import { resolve } from 'node:path'
import type { Process } from '../../types/index.ts'
import { Bundle } from '../bundle.ts'
import { checkOptions } from '../config/options.ts'
import { OciError } from '../errors.ts'
import type { CgroupManager } from './cgroups.ts'
import { checkStdio, isOpen, type Stdio, type StdioTarget } from './stdio.ts'

/** Something that is not done as written, and why that is no error. */
export interface Warning {
  /** JSON pointer into config.json; undefined: it is about no part of it. */
  path?: string | undefined
  message: string
}

/** What calls that launch a process have in common. */
export interface LaunchOptions {
  /**
   * Where the standard streams go (default `'pipe'`: Node streams). Not used by a process with a terminal: its streams
   * are the terminal.
   */
  stdio?: Stdio | undefined
  /** A file that gets the pid, as a decimal number, when the process is there. */
  pidFile?: string | undefined
  /**
   * Path of a listening SOCK_STREAM unix socket that gets the terminal's master (with SCM_RIGHTS). Only with a terminal;
   * `pty` is null then.
   */
  consoleSocket?: string | undefined
  /** Fds that the process gets as 3, 4, …: a list, or a number N for this process's own 3 to N+2. */
  preserveFds?: number | readonly number[] | undefined
  /**
   * Path of a listening SOCK_STREAM unix socket that gets a pidfd of the process (with SCM_RIGHTS): the message is
   * `standard` for a container's first process, `setns` for an added one.
   */
  pidfdSocket?: string | undefined
  /** Do not join a new session keyring. */
  noNewKeyring?: boolean | undefined
  /** Collect the time of every step, for `trace`. */
  trace?: boolean | undefined
  /** Gets what is not done as written. Default: `process.emitWarning`. */
  onWarning?: ((warning: Warning) => void) | undefined
  /** Gives the call up; what it made is undone. */
  signal?: AbortSignal | undefined
}

/** Options of `Container.create`. */
export interface CreateOptions extends LaunchOptions {
  /** The bundle, or its directory. */
  bundle: string | Bundle
  /** Directory of the containers' state (default /run/oci-ts; not as root: $XDG_RUNTIME_DIR/oci-ts). */
  root?: string | undefined
  /** Default `'cgroupfs'`. `'disabled'`: the container stays in the caller's cgroup. */
  cgroupManager?: CgroupManager | undefined
  /** Use chroot(2) where pivot_root(2) can't be: on a ramfs. */
  noPivot?: boolean | undefined
  /**
   * The first N of `preserveFds` are sockets by the protocol of sd_listen_fds(3): LISTEN_FDS and LISTEN_PID are set.
   */
  listenFds?: number | undefined
  /** Their names, for LISTEN_FDNAMES: divided by colons. */
  listenFdNames?: string | undefined
  /**
   * Gives the process an sd_notify(3) socket: NOTIFY_SOCKET and the directory /run/notify, bound from `notify` in the
   * container's state directory. Who wants the messages binds `notify.sock` there, before the start.
   */
  notify?: boolean | undefined
  /**
   * Cgroups that may not be made or joined are no error, unless the config has a cgroupsPath. Default: if the caller is
   * not root, or only in a user namespace.
   */
  rootless?: boolean | undefined
}

/**
 * Options of `exec`: a process, by the fields of the runtime-spec. What is left out is taken from the container's own
 * process, but for `args`, `terminal` and what only makes sense for one process.
 */
export interface ExecOptions extends LaunchOptions, Partial<Process> {
  /** The whole process, in place of single fields. */
  process?: Process | undefined
  /** Exec even if the container is paused: the process then waits until it is resumed. */
  ignorePaused?: boolean | undefined
  /** A cgroup below the container's: a path, or on v1 a list of `controller:path`. */
  cgroup?: string | readonly string[] | undefined
}

/** Options of `start`. */
export interface StartOptions {
  /** The process to run, in place of the config's. */
  process?: Process | undefined
  signal?: AbortSignal | undefined
}

const LAUNCH_OPTIONS = [
  'stdio',
  'pidFile',
  'consoleSocket',
  'preserveFds',
  'pidfdSocket',
  'noNewKeyring',
  'trace',
  'onWarning',
  'signal',
]
export const CREATE_OPTIONS = [
  ...LAUNCH_OPTIONS,
  'bundle',
  'root',
  'cgroupManager',
  'noPivot',
  'listenFds',
  'listenFdNames',
  'notify',
  'rootless',
] as const
export const PROCESS_FIELDS = [
  'terminal',
  'consoleSize',
  'user',
  'args',
  'env',
  'cwd',
  'capabilities',
  'rlimits',
  'noNewPrivileges',
  'apparmorProfile',
  'oomScoreAdj',
  'scheduler',
  'selinuxLabel',
  'ioPriority',
  'execCPUAffinity',
] as const satisfies readonly (keyof Process)[]
export const EXEC_OPTIONS = [
  ...LAUNCH_OPTIONS,
  ...PROCESS_FIELDS,
  'process',
  'ignorePaused',
  'cgroup',
] as const

/** Launch options in one shape. */
export interface CheckedLaunch {
  stdio: readonly [StdioTarget, StdioTarget, StdioTarget]
  pidFile: string | undefined
  consoleSocket: string | undefined
  preserveFds: readonly number[]
  pidfdSocket: string | undefined
  noNewKeyring: boolean
  trace: boolean
  warn: (warning: Warning) => void
  signal: AbortSignal | undefined
}

/** Create options in one shape. */
export interface CheckedCreate extends CheckedLaunch {
  bundle: Bundle | string
  cgroupManager: CgroupManager
  noPivot: boolean
  listenFds: number
  listenFdNames: string | undefined
  notify: boolean
  /** undefined: as the host's facts have it. */
  rootless: boolean | undefined
}

/** Checks the options of create, all but `root`. */
export function checkCreateOptions(options: CreateOptions): CheckedCreate {
  checkOptions('Container.create', options ?? {}, CREATE_OPTIONS)
  const { bundle, cgroupManager = 'cgroupfs', listenFds = 0 } = options ?? {}
  if (!(bundle instanceof Bundle) && (typeof bundle !== 'string' || bundle === '')) {
    throw wrong('bundle', 'a directory or a Bundle', bundle)
  }
  if (!['cgroupfs', 'systemd', 'disabled'].includes(cgroupManager)) {
    throw wrong('cgroupManager', "'cgroupfs', 'systemd' or 'disabled'", cgroupManager)
  }
  const common = checkLaunchOptions(options)
  if (!isCount(listenFds) || listenFds > common.preserveFds.length) {
    throw wrong('listenFds', 'at most the number of preserveFds', listenFds)
  }
  return {
    ...common,
    bundle,
    cgroupManager,
    noPivot: flag('noPivot', options.noPivot),
    listenFds,
    listenFdNames: text('listenFdNames', options.listenFdNames),
    notify: flag('notify', options.notify),
    rootless: options.rootless === undefined ? undefined : flag('rootless', options.rootless),
  }
}

/** Checks what create and exec have in common. Relative paths count from the working directory. */
export function checkLaunchOptions(options: LaunchOptions): CheckedLaunch {
  const { stdio = 'pipe', onWarning, signal } = options
  if (onWarning !== undefined && typeof onWarning !== 'function')
    throw wrong('onWarning', 'a function', onWarning)
  return {
    stdio: checkStdio(stdio),
    pidFile: path('pidFile', options.pidFile),
    consoleSocket: path('consoleSocket', options.consoleSocket),
    preserveFds: checkPreserveFds(options.preserveFds),
    pidfdSocket: path('pidfdSocket', options.pidfdSocket),
    noNewKeyring: flag('noNewKeyring', options.noNewKeyring),
    trace: flag('trace', options.trace),
    warn: onWarning ?? emitWarning,
    signal: checkSignal(signal),
  }
}

/** Checks that `signal` is an AbortSignal. */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw wrong('signal', 'an AbortSignal', signal)
}

/** The default for warnings. */
export function emitWarning({ path, message }: Warning): void {
  process.emitWarning(path ? `${path}: ${message}` : message, { type: 'OciWarning' })
}

function checkPreserveFds(value: LaunchOptions['preserveFds']): readonly number[] {
  const fds = isCount(value) ? Array.from({ length: value }, (_, index) => index + 3) : (value ?? [])
  if (!Array.isArray(fds) || fds.length > 128)
    throw wrong('preserveFds', 'a number or a list of at most 128 fds', value)
  for (const fd of fds) if (!isCount(fd) || !isOpen(fd)) throw wrong('preserveFds', 'open fds', fd)
  return fds
}

function path(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw wrong(name, 'a path', value)
  return resolve(value)
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && !value.includes('\0'))) return value
  throw wrong(name, 'a text', value)
}

function flag(name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw wrong(name, 'true or false', value)
  return value === true
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0
}

/** The error for an option with a wrong value. */
export function wrong(name: string, expected: string, got: unknown): OciError {
  const shown = typeof got === 'string' ? JSON.stringify(got) : String(got)
  return new OciError('ERR_OCI_OPTION_INVALID', `${name}: expected ${expected}, got ${shown}`)
}
