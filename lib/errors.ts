import { constants } from 'node:os'

/**
 * Every error code of oci-ts, with what it says.
 *
 * Codes are part of the public contract: programs switch on them, so one is never renamed or given
 * another meaning. The sentence is what `new OciError(code)` says when it is given no message.
 */
const CODES = {
  ERR_OCI_CONFIG_INVALID: 'The config breaks a rule of the runtime-spec',
  ERR_OCI_CONFIG_SYNTAX: 'The config is not well-formed JSON',
  ERR_OCI_BUNDLE_NOT_FOUND: 'The bundle, or its config.json, does not exist or cannot be read',
  ERR_OCI_OPTION_INVALID: 'An option of a call or a command is unknown, missing or has a wrong value',
  ERR_OCI_ID_INVALID: 'The container id has a wrong form',
  ERR_OCI_ID_IN_USE: 'A container with this id exists already',
  ERR_OCI_NOT_FOUND: 'No container with this id exists',
  ERR_OCI_STATE: 'The container is in a state that does not allow the operation',
  ERR_OCI_SYSCALL: 'A system call failed',
  ERR_OCI_STEP_FAILED: 'A step of the plan failed',
  ERR_OCI_INIT_DIED: 'The init program ended before it had done its work',
  ERR_OCI_ABORTED: 'The operation was aborted by its signal',
  ERR_OCI_TIMEOUT: 'The operation took longer than it was allowed to',
  ERR_OCI_HOOK_FAILED: 'A hook could not be run, failed, or ran out of time',
  ERR_OCI_PROGRAM_NOT_FOUND: "The container's program does not exist",
  ERR_OCI_PROGRAM_NOT_EXECUTABLE: "The container's program exists but cannot be executed",
  ERR_OCI_UNSUPPORTED: 'The kernel or the host lacks what the operation needs',
  ERR_OCI_SECCOMP: 'The seccomp filter could not be compiled or loaded',
  ERR_OCI_CGROUP: 'A cgroup could not be made, configured, read or removed',
  ERR_OCI_ADDON: 'The native addon could not be loaded',
  ERR_OCI_PERMISSION: 'The caller lacks a right that the operation needs',
  ERR_OCI_CLOSED: 'The object was closed or disposed of before',
  ERR_OCI_INTERNAL: 'oci-ts broke one of its own rules: a bug',
} as const

/** A code of an {@link OciError}. */
export type OciErrorCode = keyof typeof CODES

/** All codes, in the order of the documentation. */
export const OCI_ERROR_CODES: readonly OciErrorCode[] = Object.freeze(Object.keys(CODES) as OciErrorCode[])

/** What an {@link OciError} can tell beside its code and message. */
export interface OciErrorDetails {
  /** The system call that failed, by its kernel name: `mount`, `openat2`. */
  syscall?: string | undefined
  /** The error number of that call, positive: `1` is EPERM. */
  errno?: number | undefined
  /** Where in config.json the cause is: a JSON pointer (RFC 6901), `''` for the whole document. */
  path?: string | undefined
  /** The step of the plan that failed: `mount`, `pivotRoot`. */
  step?: string | undefined
  /** The container that the operation was about. */
  containerId?: string | undefined
  /** What a person can do about it: one sentence. */
  hint?: string | undefined
  /** The error behind this one. */
  cause?: unknown
}

const ERRNO_NAMES = new Map<number, string>()
for (const [name, value] of Object.entries(constants.errno)) {
  // EAGAIN and EOPNOTSUPP share their numbers with EWOULDBLOCK and ENOTSUP: the kernel's own name wins.
  if (name !== 'EWOULDBLOCK' && name !== 'ENOTSUP') ERRNO_NAMES.set(value, name)
}
// Numbers that Node.js does not list and that the calls of a container runtime do return.
for (const [value, name] of [
  [15, 'ENOTBLK'],
  [44, 'ECHRNG'],
  [117, 'EUCLEAN'],
  [123, 'ENOMEDIUM'],
  [126, 'ENOKEY'],
  [127, 'EKEYEXPIRED'],
  [128, 'EKEYREVOKED'],
  [129, 'EKEYREJECTED'],
  [132, 'ERFKILL'],
] as const) {
  if (!ERRNO_NAMES.has(value)) ERRNO_NAMES.set(value, name)
}

/**
 * The name of an error number of this machine: `1` → `EPERM`.
 *
 * @returns `errno N` for a number that has no known name.
 */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `errno ${errno}`
}

/**
 * The one error class of oci-ts.
 *
 * @example
 * ```ts
 * try {
 *   await Container.create('demo', { bundle })
 * } catch (error) {
 *   if (error instanceof OciError && error.code === 'ERR_OCI_ID_IN_USE') …
 * }
 * ```
 */
export class OciError extends Error {
  override readonly name: string = 'OciError'
  /** What went wrong, for programs. */
  readonly code: OciErrorCode
  /** The system call that failed. */
  declare readonly syscall?: string
  /** The error number of that call, positive. */
  declare readonly errno?: number
  /** The name of {@link errno}: `EPERM`. */
  declare readonly errnoName?: string
  /** JSON pointer into config.json; `''` is the whole document. */
  declare readonly path?: string
  /** The step of the plan that failed. */
  declare readonly step?: string
  /** The container that the operation was about. */
  declare readonly containerId?: string
  /** What a person can do about it. */
  declare readonly hint?: string

  /**
   * @param code what went wrong, for programs
   * @param message what went wrong, for people; the code's own sentence if left out or empty
   * @param details what else is known; properties that are undefined are left out of the error
   */
  constructor(code: OciErrorCode, message?: string, details: OciErrorDetails = {}) {
    super(message || CODES[code], details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    const { errno } = details
    const known = {
      syscall: details.syscall,
      errno,
      errnoName: errno === undefined ? undefined : errnoName(errno),
      path: details.path,
      step: details.step,
      containerId: details.containerId,
      hint: details.hint,
    }
    for (const [key, value] of Object.entries(known)) {
      if (value !== undefined) Object.defineProperty(this, key, { value, enumerable: true })
    }
  }
}

/** Whether a value is an {@link OciError}, and (if a code is given) one with that code. */
export function isOciError(value: unknown, code?: OciErrorCode): value is OciError {
  return value instanceof OciError && (code === undefined || value.code === code)
}
