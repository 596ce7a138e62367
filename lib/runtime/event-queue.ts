/** What stands in the queue: stats are read when somebody wants them. */
export type Noted = { type: 'oom' } | { type: 'paused' } | { type: 'resumed' }

/** Changes between paused and resumed that are kept at most; an even number. */
const MOST = 64

/**
 * Events that nobody has taken yet. However slow the reader, it stays small: an `oom` after another one says nothing
 * new, and of very many changes between paused and resumed the first ones are forgotten.
 */
export class EventQueue {
  readonly #events: Noted[] = []

  get size(): number {
    return this.#events.length
  }

  push(event: Noted): void {
    if (event.type === 'oom') {
      if (this.#events.at(-1)?.type !== 'oom') this.#events.push(event)
      return
    }
    this.#events.push(event)
    const changes = this.#events.filter(({ type }) => type !== 'oom')
    if (changes.length <= MOST) return
    // In pairs, so that what is left still alternates.
    const forgotten = this.#events.splice(0, this.#events.indexOf(changes[1]!) + 1)
    const oom = forgotten.find(({ type }) => type === 'oom')
    if (oom !== undefined && this.#events[0]?.type !== 'oom') this.#events.unshift(oom)
  }

  take(): Noted | undefined {
    return this.#events.shift()
  }

  clear(): void {
    this.#events.length = 0
  }
}
