import { type NativeExit, type NativePoll, native } from '../native.ts'
import { signalName } from './signals.ts'

/** How a process ended. Both are null where that can't be learned (it was another process's child). */
export interface ExitStatus {
  /** Exit code, or null: a signal ended it. */
  exitCode: number | null
  /** Name of the signal that ended it (`'SIGKILL'`), or null. */
  signal: string | null
  /**
   * true: that SIGKILL came from the kernel, because memory ran out. Absent otherwise. The kernel counts such kills by
   * cgroup: while this process runs, somebody else's SIGKILL that follows the death of another process of the container
   * is told apart only if it was sent by this library in the same Node.js process.
   */
  oomKilled?: true
}

const UNKNOWN: ExitStatus = Object.freeze({ exitCode: null, signal: null })

const SIGKILL = 9

/** Until the parent of a foreign process has reaped it, its status can't be asked for: how long to wait, in ms. */
const RETRIES = [0, 1, 2, 4, 8, 16, 32, 64]

/**
 * Watches a process to its end, by its pidfd in the event loop, and reaps it if it is our child. The pidfd belongs to
 * the watch and is closed at the end. A watch alone does not keep Node alive: that takes a hold.
 */
export class ExitWatch {
  /** Resolves when the process has ended. Never rejects. */
  readonly exited: Promise<ExitStatus>
  #pidfd: number
  #poll: NativePoll | null = null
  #status: ExitStatus | undefined
  #holds = 0
  #lent = 0
  #left = -1
  #oomKills: (() => number) | undefined
  #oomBefore = 0
  readonly #listeners = new Set<(status: ExitStatus) => void>()
  #settle: (status: ExitStatus) => void = () => {}

  /** @param pidfd a pidfd, which the watch takes over */
  constructor(pidfd: number) {
    this.#pidfd = pidfd
    this.exited = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#poll = native().poll(pidfd, 1, () => this.#check(0))
    this.#poll.unref()
  }

  /** How it ended, as far as that was seen. */
  get status(): ExitStatus | undefined {
    return this.#status
  }

  /** The pidfd, or -1 after the end. */
  get pidfd(): number {
    return this.#pidfd
  }

  /** Keeps Node alive until the process has ended or the returned function is called. */
  hold(): () => void {
    if (this.#holds++ === 0) this.#poll?.ref()
    let held = true
    return () => {
      if (!held) return
      held = false
      if (--this.#holds === 0) this.#poll?.unref()
    }
  }

  /** Keeps the pidfd open, for a batch that was given it, until the returned function is called. */
  lend(): () => void {
    this.#lent++
    let lent = true
    return () => {
      if (!lent) return
      lent = false
      if (--this.#lent > 0 || this.#left < 0) return
      native().close(this.#left)
      this.#left = -1
    }
  }

  /** Waits for the end, and keeps Node alive until then. */
  async ended(): Promise<ExitStatus> {
    const release = this.hold()
    try {
      return await this.exited
    } finally {
      release()
    }
  }

  /** Calls back at the end, once, unless the returned function is called before. Only for one that has not ended. */
  onExit(listener: (status: ExitStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Tells from then on whether memory ran out when the process ends by SIGKILL.
   *
   * @param kills how many processes the kernel has killed for that where the process lives
   * @param before how many it had when the process was known to be alive
   */
  countOom(kills: () => number, before: number = kills()): void {
    if (this.#oomKills !== undefined) return
    this.#oomKills = kills
    this.#oomBefore = before
  }

  /** To be called before SIGKILL is sent in another way than by `signal`. */
  expectKill(): void {
    if (this.#oomKills !== undefined) this.#oomBefore = this.#oomKills()
  }

  /** Sends a signal. Returns 0 or a positive errno; ESRCH after the end. */
  signal(number: number): number {
    if (this.#pidfd < 0) return 3
    if (number === SIGKILL) this.expectKill()
    return native().pidfdSignal(this.#pidfd, number)
  }

  #check(retry: number): void {
    if (this.#pidfd < 0) return
    const exit = native().pidfdExit(this.#pidfd)
    if (!exit.exited) {
      if (this.#poll === null) this.#again(retry)
      return
    }
    if (exit.unknown && retry < RETRIES.length && native().facts().pidfdInfoExit) {
      // The level-triggered poll would spin meanwhile.
      this.#poll?.close()
      this.#poll = null
      this.#again(retry)
      return
    }
    this.#poll?.close()
    this.#poll = null
    const pidfd = this.#pidfd
    this.#pidfd = -1
    if (this.#lent > 0) this.#left = pidfd
    else native().close(pidfd)
    this.#status = exit.unknown ? UNKNOWN : this.#statusOf(exit)
    this.#settle(this.#status)
    for (const listener of this.#listeners) listener(this.#status)
    this.#listeners.clear()
  }

  #statusOf({ code, signal }: NativeExit): ExitStatus {
    const status = { exitCode: code, signal: signal === null ? null : signalName(signal) }
    const oomKilled = signal === SIGKILL && (this.#oomKills?.() ?? 0) > this.#oomBefore
    return Object.freeze(oomKilled ? { ...status, oomKilled } : status)
  }

  #again(retry: number): void {
    setTimeout(() => this.#check(retry + 1), RETRIES[Math.min(retry, RETRIES.length - 1)])
  }
}
