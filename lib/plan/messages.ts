/**
 * Messages between init and its parent (and `start`): one SOCK_SEQPACKET datagram each, little-endian:
 *
 * ```
 * u32 kind | u32 step | i32 errno | u32 syscall | u64 value | u32 part | u32 length | bytes (UTF-8 text or data)
 * ```
 *
 * `step` is the index in the plan, `part` 0 in the plan itself and 1 in a tail that replaced its rest. File
 * descriptors come as SCM_RIGHTS of the same datagram.
 */
export const MESSAGE = {
  /** init → parent: `value` is the SYNC number; waits for `go`. */
  sync: 1,
  /** init → parent: one fd; `value` is its FD number. */
  fd: 2,
  /** init → parent: the next stage's pidfd as fd. The sender exits. */
  stage: 3,
  /** init → parent: everything is done but the tail; waits for `go`. */
  created: 4,
  /** init → parent or starter: failed; step, errno, syscall (number), and a text that may be empty. Init exits 1. */
  error: 5,
  /** init → starter (or parent, where nobody started it): about to exec; end of file follows by the exec itself. */
  exec: 6,
  /** init → parent: a warning text. */
  warning: 7,
  /** parent or starter → init: go on. */
  go: 16,
  /** parent → init: give up. */
  abort: 17,
  /** starter → init: the fd is a memfd with the plan that replaces the tail. */
  tail: 18,
} as const

/** What a `sync` asks for. */
export const SYNC = {
  /** Write my id maps. */
  map: 1,
  /** Run the prestart and createRuntime hooks. */
  hooks: 2,
} as const

/** What an `fd` message carries. */
export const FD = {
  /** The master of the pseudo-terminal. */
  console: 1,
  /** A seccomp listener. */
  seccomp: 2,
} as const

/** Bytes before the text. */
export const MESSAGE_HEADER_SIZE = 32

/** The comm of a container that is created but not started: it is how others tell `created` from `running`. */
export const INIT_COMM = 'oci-ts:created'
