import { readSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { type NativePoll, native } from '../native.ts'

const READABLE = 1
const WRITABLE = 2
export const CHUNK = 64 * 1024
/** After the end of a process, at most this much of what nobody reads is taken out of its pipe into memory. */
const KEEP = 1024 * 1024

/** One buffer for all reads: they are synchronous, and what was read is copied out. */
let scratch: Buffer | undefined

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

/**
 * Reads a non-blocking fd when it is readable, into a Readable. Nothing is read, and nothing keeps Node alive, until
 * somebody asks for data.
 */
export class Source {
  /** Resolves at the end of file, or when the fd is closed. */
  readonly ended: Promise<void>
  readonly #stream: Readable
  readonly #release: () => void
  #fd: number
  #poll: NativePoll | null = null
  #referenced = true
  #allowance = 0
  #pipes = 0
  #end!: () => void

  /** @param release is called when the fd is no longer needed for reading */
  constructor(stream: Readable, fd: number, release: () => void) {
    this.#stream = stream
    this.#fd = fd
    this.#release = release
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** Whether the stream goes on to another one. */
  get piped(): boolean {
    return this.#pipes > 0
  }

  /** To be called when the stream is piped to `destination`. */
  addPipe(destination: NodeJS.WritableStream): void {
    const listener = (from: unknown) => {
      if (from !== this.#stream) return
      destination.off('unpipe', listener)
      this.#pipes--
    }
    this.#pipes++
    destination.on('unpipe', listener)
  }

  resume(): void {
    if (this.#fd < 0 || this.#poll !== null) return
    this.#poll = native().poll(this.#fd, READABLE, () => this.#read())
    if (!this.#referenced) this.#poll.unref()
  }

  /** The process has ended: takes what is left in the pipe, read or not, and stops keeping Node alive for more. */
  finish(): void {
    if (this.#fd < 0) return
    this.#allowance = KEEP
    while (this.#fd >= 0 && this.#allowance > 0 && this.#read()) {}
    if (this.#fd >= 0) this.resume()
  }

  /** From now on more output does not keep Node alive. */
  unref(): void {
    this.#referenced = false
    this.#poll?.unref()
  }

  stop(): void {
    if (this.#fd < 0) return
    this.#pause()
    this.#fd = -1
    this.#release()
    this.#end()
  }

  #pause(): void {
    this.#poll?.close()
    this.#poll = null
  }

  /** Reads once. Whether there may be more. */
  #read(): boolean {
    scratch ??= Buffer.allocUnsafeSlow(CHUNK)
    let length: number
    try {
      length = readSync(this.#fd, scratch, 0, CHUNK, null)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'EAGAIN' || code === 'EINTR') return false
      if (code !== 'EIO') {
        this.#stream.destroy(error as Error)
        return false
      }
      // The master of a pseudo-terminal whose last slave is closed.
      length = 0
    }
    if (length === 0) {
      this.stop()
      this.#stream.push(null)
      return false
    }
    const more = this.#stream.push(Buffer.from(scratch.subarray(0, length)))
    this.#allowance = Math.max(0, this.#allowance - length)
    if (!more && this.#allowance === 0) this.#pause()
    return true
  }
}

/** Writes to a non-blocking fd. */
export class Sink {
  readonly #release: () => void
  #fd: number
  #poll: NativePoll | null = null
  #waiting: ((error?: Error | null) => void) | null = null

  constructor(fd: number, release: () => void) {
    this.#fd = fd
    this.#release = release
  }

  write(chunk: Uint8Array, done: (error?: Error | null) => void): void {
    let rest = chunk
    let failure: Error | null = null
    while (rest.length > 0 && failure === null) {
      try {
        if (this.#fd < 0) throw closed()
        rest = rest.subarray(writeSync(this.#fd, rest))
      } catch (error) {
        if (errorCode(error) === 'EAGAIN') {
          this.#wait(rest, done)
          return
        }
        if (errorCode(error) !== 'EINTR') failure = error as Error
      }
    }
    done(failure)
  }

  stop(): void {
    if (this.#fd < 0) return
    this.#poll?.close()
    this.#poll = null
    this.#fd = -1
    this.#release()
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.(closed())
  }

  #wait(rest: Uint8Array, done: (error?: Error | null) => void): void {
    this.#waiting = done
    this.#poll = native().poll(this.#fd, WRITABLE, () => {
      this.#poll?.close()
      this.#poll = null
      this.#waiting = null
      this.write(rest, done)
    })
  }
}

function closed(): Error {
  return Object.assign(new Error('the other end is closed'), { code: 'EPIPE', syscall: 'write' })
}
