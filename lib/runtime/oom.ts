import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { oomFiles, oomKillCount } from '../cgroup/oom.ts'
import type { CgroupLocation } from '../cgroup/types.ts'
import { native } from '../native.ts'
import { KernfsWatch } from './kernfs.ts'

/** How many processes of a cgroup the kernel has killed because memory ran out; 0 if that can't be learned. */
export function oomKills(location: CgroupLocation): number {
  const files = oomFiles(location)
  try {
    return files === null ? 0 : oomKillCount(readFileSync(files.counts, 'latin1'))
  } catch {
    return 0
  }
}

/** Notices that memory runs out in a cgroup, without polling. It does not keep Node alive. */
export interface OomWatch {
  /** Calls back for what the event loop has not brought yet. */
  check(): void
  close(): void
}

/**
 * Calls back when memory has run out. On cgroup v2 a process was killed then; on v1 one is about to be, unless the
 * cgroup has its OOM killer disabled.
 *
 * @returns null if there is no memory cgroup
 * @throws the error of node:fs if it can't be watched
 */
export function watchOom(location: CgroupLocation, onOom: () => void): OomWatch | null {
  const files = oomFiles(location)
  try {
    if (files === null) return null
    return files.control === undefined
      ? watchCounts(files.counts, onOom)
      : new OomEventfd(files.counts, files.control, onOom)
  } catch (error) {
    // The controller is not there, or the cgroup is gone.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENODEV') return null
    throw error
  }
}

/** cgroup v2: memory.events changes for many reasons. */
function watchCounts(path: string, onOom: () => void): OomWatch {
  let known: number | undefined
  return new KernfsWatch(path, (text) => {
    const kills = oomKillCount(text)
    if (known !== undefined && kills > known) onOom()
    known = kills
  })
}

/** cgroup v1: an eventfd that is registered for memory.oom_control (Documentation/admin-guide/cgroup-v1/memory.rst). */
class OomEventfd implements OomWatch {
  readonly #counts: string
  readonly #onOom: () => void
  readonly #before: number
  #eventfd: number
  #poll: ReturnType<ReturnType<typeof native>['poll']> | null = null
  #told = false

  constructor(counts: string, control: string, onOom: () => void) {
    this.#counts = counts
    this.#onOom = onOom
    this.#eventfd = native().eventfd()
    try {
      register(this.#eventfd, counts, control)
      this.#before = this.#kills() ?? 0
      this.#poll = native().poll(this.#eventfd, 1, () => this.#take())
      this.#poll.unref()
    } catch (error) {
      this.close()
      throw error
    }
  }

  check(): void {
    this.#take()
    // Of a kill for want of memory on the whole machine v1 tells nothing.
    const kills = this.#kills()
    if (!this.#told && kills !== null && kills > this.#before) this.#tell()
  }

  close(): void {
    this.#poll?.close()
    this.#poll = null
    if (this.#eventfd >= 0) native().close(this.#eventfd)
    this.#eventfd = -1
  }

  #take(): void {
    if (this.#eventfd < 0) return
    try {
      readSync(this.#eventfd, Buffer.alloc(8))
    } catch {
      // Nothing has happened.
      return
    }
    // The removal of the cgroup is told as well.
    if (this.#kills() === null) this.close()
    else this.#tell()
  }

  #tell(): void {
    this.#told = true
    this.#onOom()
  }

  #kills(): number | null {
    try {
      return oomKillCount(readFileSync(this.#counts, 'latin1'))
    } catch {
      return null
    }
  }
}

function register(eventfd: number, counts: string, control: string): void {
  const file = openSync(counts, constants.O_RDONLY)
  try {
    const to = openSync(control, constants.O_WRONLY)
    try {
      writeSync(to, `${eventfd} ${file}`)
    } finally {
      closeSync(to)
    }
  } finally {
    closeSync(file)
  }
}
