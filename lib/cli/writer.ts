import { write } from 'node:fs'
import { Writable } from 'node:stream'

/** How long to wait for a slow reader of a non-blocking fd before the next try, in ms. */
const RETRY_MS = 2

/** Writes to an fd that is somebody else's: blocking or not, and never closed. */
export class FdWriter extends Writable {
  readonly #fd: number

  constructor(fd: number) {
    super()
    this.#fd = fd
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    write(this.#fd, chunk, (error, written) => {
      const again = error?.code === 'EAGAIN' || error?.code === 'EINTR'
      if (error !== null && !again) return done(error)
      const rest = again ? chunk : chunk.subarray(written)
      if (rest.length === 0) done()
      else setTimeout(() => this._write(rest, 'binary', done), again ? RETRY_MS : 0)
    })
  }
}
