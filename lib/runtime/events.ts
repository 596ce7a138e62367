import type { CgroupLocation } from '../cgroup/types.ts'
import { isOciError, OciError } from '../errors.ts'
import { abortError, onAbort } from './abort.ts'
import { EventQueue, type Noted } from './event-queue.ts'
import type { ContainerEvent, EventsOptions } from './event-types.ts'
import type { ExitStatus, ExitWatch } from './exit.ts'
import { type FreezeWatch, watchFreezer } from './freeze-watch.ts'
import { type OomWatch, watchOom } from './oom.ts'
import { wrong } from './options.ts'

/** Most milliseconds that a timer can wait. */
const MAX_INTERVAL = 2 ** 31 - 1

/** An event whose stats are in the form of who reads them. */
export type EventOf<T> = Exclude<ContainerEvent, { type: 'stats' }> | { type: 'stats'; stats: T }

/** What is watched. */
export interface EventSource<T> {
  id: string
  cgroup: CgroupLocation
  /** null: its first process had ended before anybody here could watch it. */
  watch: ExitWatch | null
  /** Reads what the container has used. Fails with `ERR_OCI_STATE` if it is stopped. */
  readStats: () => Promise<T>
}

interface Waiter<T> {
  resolve: (result: IteratorResult<EventOf<T>, undefined>) => void
  reject: (error: unknown) => void
}

/**
 * The events of a container from its making on. It holds watches of the event loop, no thread, and lets go of them at
 * the end of the container, of the iteration, or when it is aborted. Only who waits for the next event keeps Node alive.
 */
export class EventStream<T> implements AsyncIterableIterator<EventOf<T>, undefined> {
  readonly #source: EventSource<T>
  readonly #interval: number | undefined
  readonly #queue = new EventQueue()
  readonly #waiters: Waiter<T>[] = []
  readonly #unlisten: () => void
  #unwatch: () => void = () => {}
  #oom: OomWatch | null = null
  #freezer: FreezeWatch | null = null
  #timer: NodeJS.Timeout | undefined
  #tick = 0
  #due = false
  #reading = false
  #exit: ExitStatus | undefined
  #error: { reason: unknown } | undefined
  #closed = false
  #release: (() => void) | undefined

  /** @throws `ERR_OCI_OPTION_INVALID`, `ERR_OCI_UNSUPPORTED` for stats without a cgroup, `ERR_OCI_CGROUP` */
  constructor(source: EventSource<T>, { intervalMs, signal }: EventsOptions) {
    this.#source = source
    this.#interval = checkInterval(intervalMs, source)
    this.#unlisten = onAbort(signal, () => this.#fail(abortError(signal!, source.id)))
    const { watch } = source
    if (signal?.aborted) this.#fail(abortError(signal, source.id))
    else if (watch === null) this.#end({ exitCode: null, signal: null })
    else if (watch.status !== undefined) this.#end(watch.status)
    else this.#begin(watch)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<EventOf<T>, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.#deliver()
    })
  }

  async return(): Promise<IteratorResult<EventOf<T>, undefined>> {
    this.#queue.clear()
    this.#exit = undefined
    this.#error = undefined
    this.#close()
    this.#deliver()
    return { value: undefined, done: true }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #begin(watch: ExitWatch): void {
    const { id, cgroup } = this.#source
    try {
      this.#oom = watchOom(cgroup, () => this.#note({ type: 'oom' }))
      this.#freezer = watchFreezer(cgroup, (frozen) => this.#note({ type: frozen ? 'paused' : 'resumed' }))
    } catch (cause) {
      this.#close()
      throw new OciError('ERR_OCI_CGROUP', `the cgroup of container ${id} can't be watched`, {
        containerId: id,
        cause,
      })
    }
    if (this.#interval !== undefined) this.#schedule(performance.now() + this.#interval)
    this.#unwatch = watch.onExit((status) => {
      // What ended it is told first.
      this.#oom?.check()
      this.#end(status)
    })
  }

  #note(event: Noted): void {
    if (this.#closed) return
    this.#queue.push(event)
    this.#deliver()
  }

  #end(status: ExitStatus): void {
    this.#exit = status
    this.#close()
    this.#deliver()
  }

  #fail(reason: unknown): void {
    if (this.#closed) return
    this.#queue.clear()
    this.#error = { reason }
    this.#close()
    this.#deliver()
  }

  /** Gives events to those who wait. */
  #deliver(): void {
    while (this.#waiters.length > 0) {
      const event = this.#takeEvent()
      if (event !== undefined) this.#waiters.shift()!.resolve({ value: event, done: false })
      else if (this.#error !== undefined) {
        const { reason } = this.#error
        this.#error = undefined
        this.#waiters.shift()!.reject(reason)
      } else if (this.#closed) this.#waiters.shift()!.resolve({ value: undefined, done: true })
      else break
    }
    if (this.#waiters.length === 0) {
      this.#release?.()
      this.#release = undefined
      return
    }
    this.#release ??= this.#source.watch?.hold()
    if (this.#due && !this.#reading) void this.#readStats()
  }

  #takeEvent(): EventOf<T> | undefined {
    const noted = this.#queue.take()
    if (noted !== undefined || this.#exit === undefined) return noted
    const exit = { type: 'exit', ...this.#exit } as const
    this.#exit = undefined
    return exit
  }

  /** Stats are read when their time has come and somebody waits: a slow reader gets fewer, and fresh ones. */
  async #readStats(): Promise<void> {
    this.#due = false
    this.#reading = true
    try {
      const stats = await this.#source.readStats()
      if (this.#closed) return
      this.#schedule(this.#next())
      const waiter = this.#waiters.shift()
      // Another event may have served the one who waited; these stats are too old for the next one.
      if (waiter === undefined) this.#due = true
      else waiter.resolve({ value: { type: 'stats', stats }, done: false })
    } catch (error) {
      // The end of the container is about to be told.
      if (!isOciError(error, 'ERR_OCI_STATE')) this.#fail(error)
    } finally {
      this.#reading = false
      this.#deliver()
    }
  }

  /** The next time in the beat of the interval. */
  #next(): number {
    const interval = this.#interval!
    const now = performance.now()
    return now + interval - ((now - this.#tick) % interval)
  }

  #schedule(at: number): void {
    this.#tick = at
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        this.#due = true
        this.#deliver()
      },
      Math.max(1, at - performance.now()),
    )
    this.#timer.unref()
  }

  /** Lets go of everything but what is to be told yet. */
  #close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#oom?.close()
    this.#freezer?.close()
    this.#release?.()
    this.#release = undefined
    this.#unwatch()
    this.#unlisten()
  }
}

function checkInterval<T>(interval: number | undefined, { id, cgroup }: EventSource<T>): number | undefined {
  if (interval === undefined) return undefined
  if (typeof interval !== 'number' || !(interval > 0 && interval <= MAX_INTERVAL)) {
    throw wrong('intervalMs', `a number of milliseconds above 0 and at most ${MAX_INTERVAL}`, interval)
  }
  if (cgroup.mode === 'disabled' || cgroup.mode === 'none') {
    throw new OciError('ERR_OCI_UNSUPPORTED', `container ${id} has no cgroup`, { containerId: id })
  }
  return interval
}
