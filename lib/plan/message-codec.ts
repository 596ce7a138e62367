import { OciError } from '../errors.ts'
import { MESSAGE, MESSAGE_HEADER_SIZE } from './messages.ts'
import { SYSCALLS, type SyscallName, syscallName } from './syscalls.ts'

/** The name of a message. */
export type MessageKind = keyof typeof MESSAGE

/** One message between init and its parent, or `start`. */
export interface Message {
  kind: MessageKind
  /** Index in the plan. */
  step: number
  /** 0: the plan itself; 1: the tail that replaced its rest. */
  part: number
  /** A positive errno, or 0. */
  errno: number
  /** The call that failed, or ''. */
  syscall: SyscallName
  /** What the kind says: a SYNC or FD number. */
  value: number
  text: string
}

const KINDS = new Map<number, MessageKind>()
for (const [name, number] of Object.entries(MESSAGE)) KINDS.set(number, name as MessageKind)

const decoder = new TextDecoder()

/**
 * Reads one datagram.
 *
 * @throws {OciError} `ERR_OCI_INTERNAL` for one that is no message
 */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < MESSAGE_HEADER_SIZE) throw malformed(`it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const kind = KINDS.get(view.getUint32(0, true))
  if (kind === undefined) throw malformed(`it is of the unknown kind ${view.getUint32(0, true)}`)
  const length = view.getUint32(28, true)
  if (MESSAGE_HEADER_SIZE + length !== bytes.length) throw malformed(`its text should have ${length} bytes`)
  return {
    kind,
    step: view.getUint32(4, true),
    part: view.getUint32(24, true),
    errno: view.getInt32(8, true),
    syscall: syscallName(view.getUint32(12, true)),
    value: Number(view.getBigUint64(16, true)),
    text: decoder.decode(bytes.subarray(MESSAGE_HEADER_SIZE)),
  }
}

/** The datagram of a message. What is left out is 0 or empty. */
export function encodeMessage(message: { kind: MessageKind } & Partial<Message>): Uint8Array {
  const text = Buffer.from(message.text ?? '')
  const bytes = new Uint8Array(MESSAGE_HEADER_SIZE + text.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MESSAGE[message.kind], true)
  view.setUint32(4, message.step ?? 0, true)
  view.setInt32(8, message.errno ?? 0, true)
  view.setUint32(12, SYSCALLS.indexOf(message.syscall ?? ''), true)
  view.setBigUint64(16, BigInt(message.value ?? 0), true)
  view.setUint32(24, message.part ?? 0, true)
  view.setUint32(28, text.length, true)
  bytes.set(text, MESSAGE_HEADER_SIZE)
  return bytes
}

function malformed(why: string): OciError {
  return new OciError('ERR_OCI_INTERNAL', `A message from the init program is malformed: ${why}`)
}
