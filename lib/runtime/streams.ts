import { closeSync } from 'node:fs'
import { Duplex, Readable, Writable } from 'node:stream'
import { CHUNK, Sink, Source } from './fd-io.ts'

/** A stream of a process's output, for those who wait for its end. */
export interface DrainingStream extends Readable {
  /** @internal */
  readonly source: Source
}

/** The standard output or error of a process: a Readable over the read end of a pipe. */
export class OutputStream extends Readable {
  /** @internal */
  readonly source: Source

  /** @param fd a non-blocking fd, which the stream takes over */
  constructor(fd: number) {
    super({ highWaterMark: CHUNK })
    this.source = new Source(this, fd, () => closeSync(fd))
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    this.source.addPipe(destination)
    return super.pipe(destination, options)
  }

  override _read(): void {
    this.source.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.source.stop()
    done(error)
  }
}

/** The standard input of a process: a Writable over the write end of a pipe. `end()` closes it. */
export class InputStream extends Writable {
  readonly #sink: Sink

  /** @param fd a non-blocking fd, which the stream takes over */
  constructor(fd: number) {
    super()
    this.#sink = new Sink(fd, () => closeSync(fd))
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#sink.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sink.stop()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#sink.stop()
    done(error)
  }
}

/** A Duplex over one non-blocking fd. It is closed once, when both directions are done or at `destroy()`. */
export class DuplexStream extends Duplex {
  /** @internal */
  readonly source: Source
  readonly #sink: Sink
  #fd: number
  #open = 2

  /** @param fd a non-blocking fd, which the stream takes over */
  constructor(fd: number) {
    // A terminal whose last user has gone ends for good: its input has nobody to go to.
    super({ readableHighWaterMark: CHUNK, allowHalfOpen: false })
    this.#fd = fd
    const release = () => {
      if (--this.#open > 0) return
      this.#fd = -1
      closeSync(fd)
    }
    this.source = new Source(this, fd, release)
    this.#sink = new Sink(fd, release)
  }

  /** The fd, or -1 when it is closed. */
  get fd(): number {
    return this.#fd
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    this.source.addPipe(destination)
    return super.pipe(destination, options)
  }

  override _read(): void {
    this.source.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#sink.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.source.stop()
    this.#sink.stop()
    done(error)
  }
}
