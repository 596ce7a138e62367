import { native } from '../../../lib/native.ts'
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type MessageKind,
} from '../../../lib/plan/message-codec.ts'

/** A message, with the fds that came along. */
export type Received = Message & { fds: number[] }

/** The other side of an init program's socket. */
export class Talk {
  readonly socket: number
  #closed = false

  constructor(socket: number) {
    this.socket = socket
  }

  /** The next message; null at the end of file. */
  async next(): Promise<Received | null> {
    for (;;) {
      const datagram = native().recv(this.socket)
      if (datagram !== null) {
        return datagram.data.length === 0 ? null : { ...decodeMessage(datagram.data), fds: datagram.fds }
      }
      await new Promise<void>((resolve) => {
        const watch = native().poll(this.socket, 1 | 4, () => {
          watch.close()
          resolve()
        })
      })
    }
  }

  /** Sends a message, and returns its errno. */
  send(kind: MessageKind, fds: number[] = []): number {
    return native().send(this.socket, encodeMessage({ kind }), fds)
  }

  sendBytes(bytes: Uint8Array, fds: number[] = []): number {
    return native().send(this.socket, bytes, fds)
  }

  close(): void {
    if (!this.#closed) native().close(this.socket)
    this.#closed = true
  }
}
