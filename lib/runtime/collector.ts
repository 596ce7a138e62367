import type { Readable } from 'node:stream'

/** Takes all of a stream's data, and keeps the first bytes. */
export class Collector {
  readonly #chunks: Buffer[] = []
  readonly #limit: number
  #length = 0
  /** More came than was kept. */
  truncated = false

  constructor(stream: Readable, limit: number) {
    this.#limit = limit
    stream.on('data', (chunk: Buffer) => this.#add(chunk))
  }

  /** What was kept, as UTF-8. */
  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }

  #add(chunk: Buffer): void {
    const room = this.#limit - this.#length
    if (chunk.length > room) this.truncated = true
    if (room <= 0) return
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk
    this.#chunks.push(kept)
    this.#length += kept.length
  }
}
