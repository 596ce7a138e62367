import { isAbsolute, resolve } from 'node:path'
import { OciError } from '../errors.ts'
import { defaultRoot } from '../runtime/store.ts'
import type { Flags, FlagValues } from './args.ts'
import type { CliIo } from './io.ts'

/** Flags that stand before the command. */
export const GLOBAL_FLAGS = {
  debug: { type: 'bool', help: 'enable debug logging' },
  log: { type: 'string', value: 'FILE', help: 'set the log file to write logs to (default: stderr)' },
  'log-format': {
    type: 'string',
    value: 'FORMAT',
    help: "set the log format ('text' (default), or 'json')",
  },
  'log-level': { type: 'string', value: 'LEVEL', help: "least level to log: 'error', 'warning' or 'debug'" },
  root: { type: 'string', value: 'DIR', help: 'root directory for storage of container state' },
  'systemd-cgroup': { type: 'bool', help: 'enable systemd cgroup support' },
  'cgroup-manager': { type: 'string', value: 'MANAGER', help: "cgroup manager: 'cgroupfs' or 'disabled'" },
  rootless: {
    type: 'string',
    value: 'BOOL',
    help: "ignore cgroup permission errors ('true', 'false', or 'auto')",
  },
  criu: { type: 'string', hidden: true, help: 'ignored' },
  version: { type: 'bool', short: 'v', help: 'print the version' },
  help: { type: 'bool', short: 'h', help: 'show help' },
} as const satisfies Flags

/** The global flags, checked. */
export interface GlobalOptions {
  /** Absolute state directory. */
  root: string
  /** It was named, so it must be there. */
  rootGiven: boolean
  log: string | undefined
  logFormat: 'text' | 'json'
  level: 'error' | 'warning' | 'debug'
  cgroupManager: 'cgroupfs' | 'disabled' | undefined
  /** undefined: found out. */
  rootless: boolean | undefined
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True']
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False']

/** Checks the global flags. Paths become absolute here, before anything changes the working directory. */
export function globalOptions(flags: FlagValues<typeof GLOBAL_FLAGS>, io: CliIo): GlobalOptions {
  const logFormat = flags['log-format'] ?? 'text'
  if (logFormat !== 'text' && logFormat !== 'json') throw wrong(`invalid log-format: ${logFormat}`)
  const level = flags.debug ? 'debug' : (flags['log-level'] ?? 'warning')
  if (level !== 'error' && level !== 'warning' && level !== 'debug') {
    throw wrong(`invalid log-level: ${level}`)
  }
  const manager = flags['cgroup-manager']
  if (flags['systemd-cgroup'] || manager === 'systemd') {
    throw wrong('cgroups by systemd are not supported by this version: leave --systemd-cgroup out')
  }
  if (manager !== undefined && manager !== 'cgroupfs' && manager !== 'disabled') {
    throw wrong(`invalid cgroup-manager: ${manager}`)
  }
  const rootless = flags.rootless || 'auto'
  if (![...TRUE, ...FALSE, 'auto'].includes(rootless)) {
    throw wrong(`invalid value for --rootless: expected true, false or auto, got ${rootless}`)
  }
  const root = absolute(flags.root, io)
  if (root !== undefined && resolve(root) === '/')
    throw wrong('Option --root argument should not be set to /')
  return {
    root: root ?? defaultRoot(io.env),
    rootGiven: root !== undefined,
    log: absolute(flags.log, io),
    logFormat,
    level,
    cgroupManager: manager,
    rootless: rootless === 'auto' ? undefined : TRUE.includes(rootless),
  }
}

function wrong(message: string): OciError {
  return new OciError('ERR_OCI_OPTION_INVALID', message)
}

/** A path of the command line, absolute. */
export function absolute(path: string, io: CliIo): string
export function absolute(path: string | undefined, io: CliIo): string | undefined
export function absolute(path: string | undefined, io: CliIo): string | undefined {
  if (path === undefined || path === '' || isAbsolute(path)) return path || undefined
  return resolve(io.cwd, path)
}
