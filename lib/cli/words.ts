import { OciError } from '../errors.ts'
import { errnoText } from '../runtime/failure.ts'
import type { Invocation } from './command.ts'
import { loadContainer } from './container.ts'
import { UsageError } from './usage.ts'

/**
 * Engines tell some errors apart by runc's words, so a command line says these and not the library's. By command and
 * by what the container is.
 */
const WRONG_STATE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  start: {
    running: 'cannot start an already running container',
    paused: 'cannot start a container in the paused state',
    stopped: 'cannot start a container that has stopped',
  },
  exec: {
    paused: 'cannot exec in a paused container (use --ignore-paused to override)',
    stopped: 'cannot exec in a stopped container',
  },
  kill: { stopped: 'container not running' },
  update: { stopped: 'container not running' },
  pause: { paused: 'container not running', stopped: 'container not running' },
  resume: {
    created: 'container not paused',
    running: 'container not paused',
    stopped: 'container not paused',
  },
}

const PREFIX: Readonly<Record<string, string>> = {
  create: 'oci-ts create failed: ',
  run: 'oci-ts run failed: ',
  exec: 'exec failed: ',
}

/** An error of a command in one line: engines show only the last one. */
export async function explain(error: unknown, name: string, invocation?: Invocation): Promise<string> {
  return (PREFIX[name] ?? '') + ((await knownWords(error, name, invocation)) ?? plainWords(error))
}

/** An error without the words of a command. */
export function plainWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof OciError) {
    return error.hint === undefined ? error.message : `${error.message} (${error.hint})`
  }
  if (error instanceof UsageError) return error.message
  return systemErrorText(error) ?? error.stack ?? error.message
}

/** A system call's failure as `open /file: no such file or directory`; undefined for other errors. */
export function systemErrorText(error: unknown): string | undefined {
  const { errno, syscall, path } = error as NodeJS.ErrnoException
  if (typeof errno !== 'number' || syscall === undefined) return undefined
  return `${[syscall, path].filter(Boolean).join(' ')}: ${errnoText(Math.abs(errno))}`
}

async function knownWords(
  error: unknown,
  name: string,
  invocation: Invocation | undefined,
): Promise<string | undefined> {
  if (!(error instanceof OciError)) return undefined
  switch (error.code) {
    case 'ERR_OCI_NOT_FOUND':
      return 'container does not exist'
    case 'ERR_OCI_ID_IN_USE':
      return 'container with given ID already exists'
    case 'ERR_OCI_ID_INVALID':
      return invocation?.args[0] === '' ? 'container id cannot be empty' : 'invalid container ID format'
    case 'ERR_OCI_STATE':
      return invocation && wrongState(name, invocation)
    default:
      return undefined
  }
}

async function wrongState(name: string, invocation: Invocation): Promise<string | undefined> {
  try {
    const { id, status } = await (await loadContainer(invocation)).state()
    if (name === 'delete') return `cannot delete container ${id} that is not stopped: ${status}`
    return WRONG_STATE[name]?.[status]
  } catch {
    return undefined
  }
}
