import { type NativePoll, native } from '../native.ts'
import { decodeMessage, encodeMessage, type Message, type MessageKind } from '../plan/message-codec.ts'

const READABLE_OR_CLOSED = 1 | 4

/** The talk with an init program over its SOCK_SEQPACKET socket, which belongs to the channel. */
export class Channel {
  #fd: number
  #poll: NativePoll | null
  readonly #onMessage: (message: Message, fds: number[]) => void
  readonly #onEnd: () => void

  /**
   * @param fd the socket, which the channel takes over
   * @param onMessage gets each message with its fds, which it must take or close
   * @param onEnd is called once, after the last message, when the other side has closed
   */
  constructor(fd: number, onMessage: (message: Message, fds: number[]) => void, onEnd: () => void) {
    this.#fd = fd
    this.#onMessage = onMessage
    this.#onEnd = onEnd
    this.#poll = native().poll(fd, READABLE_OR_CLOSED, () => this.receive())
  }

  /** The socket, or -1 when it is closed. */
  get fd(): number {
    return this.#fd
  }

  /** Sends a message of `kind` with fds (which stay the caller's). Returns 0 or a positive errno. */
  send(kind: MessageKind, fds: readonly number[] = []): number {
    return this.#fd < 0 ? 32 : native().send(this.#fd, encodeMessage({ kind }), fds)
  }

  close(): void {
    if (this.#fd < 0) return
    this.#poll?.close()
    this.#poll = null
    native().close(this.#fd)
    this.#fd = -1
  }

  /** Takes what is there now. */
  receive(): void {
    while (this.#fd >= 0) {
      const datagram = native().recv(this.#fd)
      if (datagram === null) return
      if (datagram.data.length === 0) {
        this.close()
        this.#onEnd()
        return
      }
      this.#onMessage(decodeMessage(datagram.data), datagram.fds)
    }
  }
}
