import { readFile } from 'node:fs/promises'
import type { Process } from '../../types/index.ts'
import { parseJson } from '../config/json.ts'
import { Container } from '../container.ts'
import { OciError } from '../errors.ts'
import type { CreateOptions } from '../runtime/options.ts'
import type { Flags, FlagValues } from './args.ts'
import type { Invocation } from './command.ts'
import { absolute } from './globals.ts'
import { UsageError } from './usage.ts'

/** Flags of create and run. */
export const CREATE_FLAGS = {
  bundle: { type: 'string', short: 'b', value: 'DIR', help: 'path to the root of the bundle directory' },
  'console-socket': {
    type: 'string',
    value: 'PATH',
    help: 'unix socket that receives the terminal’s master',
  },
  'pid-file': { type: 'string', value: 'FILE', help: 'file to write the process id to' },
  'no-pivot': { type: 'bool', help: 'do not use pivot_root: for a root filesystem on a ramdisk' },
  'no-new-keyring': { type: 'bool', help: 'do not create a new session keyring for the container' },
  'preserve-fds': { type: 'string', value: 'N', help: 'pass N additional file descriptors (3, 4, …)' },
} as const satisfies Flags

/** The root option of the global flags, as the library takes it. */
export function rootOption({ globals }: Pick<Invocation, 'globals'>): { root?: string } {
  return globals.root === undefined ? {} : { root: globals.root }
}

/** The container that the first positional names. */
export function loadContainer(invocation: Invocation): Promise<Container> {
  return Container.load(invocation.args[0] ?? '', rootOption(invocation))
}

/** A count from the command line. */
export function count(flag: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`invalid value "${text}" for flag -${flag}: expected a count`)
  return Number(text)
}

/** The options of `Container.create` that create and run have in common. */
export function createOptions(
  { flags, globals, io, warn }: Invocation,
  stdio: CreateOptions['stdio'],
): CreateOptions {
  const given = flags as FlagValues<typeof CREATE_FLAGS>
  const listen = io.env.LISTEN_PID === String(process.pid) ? count('LISTEN_FDS', io.env.LISTEN_FDS) : 0
  return {
    bundle: absolute(given.bundle ?? io.cwd, io),
    root: globals.root,
    stdio,
    cgroupManager: globals.cgroupManager,
    consoleSocket: absolute(given['console-socket'], io),
    pidFile: absolute(given['pid-file'], io),
    noPivot: given['no-pivot'] ?? false,
    noNewKeyring: given['no-new-keyring'] ?? false,
    preserveFds: listen + count('preserve-fds', given['preserve-fds']),
    listenFds: listen,
    onWarning: ({ path, message }) => warn(path ? `${path}: ${message}` : message),
  }
}

/** Reads a process.json. */
export async function readProcess(path: string): Promise<Process> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new OciError('ERR_OCI_OPTION_INVALID', `process file ${path} can’t be read`, { cause })
  }
  const { validateProcess } = await import('../config/load.ts')
  return validateProcess(parseJson(text))
}
