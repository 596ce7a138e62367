import { closeSync, constants, openSync, readSync } from 'node:fs'
import { type NativePoll, native } from '../native.ts'

/** More than any file has that can be watched so. */
const MAX = 4096
const POLLPRI = 8

/**
 * Watches a file of a cgroup v2 that the kernel announces changes of (cgroup.events, memory.events) by poll(2), in the
 * event loop. It does not keep Node alive, and ends by itself when the cgroup is removed.
 */
export class KernfsWatch {
  readonly #onText: (text: string) => void
  #fd: number
  #poll: NativePoll | null = null

  /**
   * @param onText gets the text, at once and after each change
   * @throws the error of node:fs if the file can't be opened
   */
  constructor(path: string, onText: (text: string) => void) {
    this.#onText = onText
    this.#fd = openSync(path, constants.O_RDONLY)
    try {
      this.check()
      if (this.#fd < 0) return
      this.#poll = native().poll(this.#fd, POLLPRI, () => this.check())
      this.#poll.unref()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Reads the text, which also tells the kernel that it is known. */
  check(): void {
    if (this.#fd < 0) return
    const buffer = Buffer.alloc(MAX)
    let size: number
    try {
      size = readSync(this.#fd, buffer, 0, MAX, 0)
    } catch {
      this.close()
      return
    }
    this.#onText(buffer.toString('latin1', 0, size))
  }

  close(): void {
    this.#poll?.close()
    this.#poll = null
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }
}
