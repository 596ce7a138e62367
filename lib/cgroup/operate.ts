import type { Step } from '../plan/steps.ts'
import { ERRNO } from './constants.ts'
import type { CgroupLocation } from './types.ts'

const SIGKILL = 9

/** The file that says whether a cgroup was told to freeze: `1`, or `0`. */
export function frozenFile(location: CgroupLocation): string | null {
  const freezer = freezerDir(location)
  return freezer && `${freezer.dir}/${freezer.v1 ? 'freezer.self_freezing' : 'cgroup.freeze'}`
}

/**
 * The file that changes whenever a cgroup is frozen or thawed. `v1`: only writing to it is noticed, by inotify(7); else
 * it can be polled.
 */
export function freezerEvents(location: CgroupLocation): { path: string; v1: boolean } | null {
  const freezer = freezerDir(location)
  if (freezer === null) return null
  return { path: `${freezer.dir}/${freezer.v1 ? 'freezer.state' : 'cgroup.events'}`, v1: freezer.v1 }
}

function freezerDir(location: CgroupLocation): { dir: string; v1: boolean } | null {
  const v1 = location.v1.find(({ controllers }) => controllers.includes('freezer'))
  if (v1) return { dir: v1.dir, v1: true }
  return location.v2 && { dir: location.v2.dir, v1: false }
}

/**
 * Freezes all processes; waits at most `timeoutMs` (default 10 s) and thaws if not all of them could be frozen. Empty if
 * there is no cgroup by which that could be done.
 */
export function pauseSteps(location: CgroupLocation, timeoutMs = 10_000): Step[] {
  return freeze(location, true, timeoutMs)
}

/** Thaws all processes. */
export function resumeSteps(location: CgroupLocation, timeoutMs = 10_000): Step[] {
  return freeze(location, false, timeoutMs)
}

function freeze(location: CgroupLocation, frozen: boolean, timeoutMs: number): Step[] {
  const freezer = freezerDir(location)
  if (!freezer) return []
  const v1 = freezer.v1 ? { v1: true } : {}
  return [{ op: 'freezeCgroup', path: freezer.dir, frozen, ...v1, timeoutMs }]
}

/** The v1 directory that processes are looked up in: all hierarchies have the same. */
function v1Dir({ v1 }: CgroupLocation): string | null {
  for (const controller of ['freezer', 'devices', 'pids', 'memory']) {
    const found = v1.find(({ controllers }) => controllers.includes(controller))
    if (found) return found.dir
  }
  return v1[0]?.dir ?? null
}

/**
 * Sends a signal to every process of the cgroup. SIGKILL reaches frozen ones too, and then nothing stays frozen. A
 * missing cgroup is no error.
 */
export function killSteps(location: CgroupLocation, signal: number): Step[] {
  const steps: Step[] = []
  const ignore = [ERRNO.ENOENT]
  const dir = v1Dir(location)
  const freezer = freezerDir(location)
  if (location.v2) steps.push({ op: 'killCgroup', path: location.v2.dir, signal, ignore })
  if (dir) {
    const v1: Step = {
      op: 'killCgroup',
      path: dir,
      signal,
      ...(freezer?.v1 ? { freezer: `${freezer.dir}/freezer.state` } : {}),
      ignore,
    }
    // Any other signal must come once; SIGKILL goes to both sides, for the v1 freezer holds what v2 has killed.
    steps.push(location.v2 && signal !== SIGKILL ? { ...v1, orElse: true } : v1)
  }
  return steps
}

/** How a cgroup is removed. */
export interface RemoveOptions {
  /**
   * Kill what is in it first. Only for a cgroup that is known to be the container's: not for one whose `make` steps have
   * not all run.
   */
  kill?: boolean
  /** How long a cgroup may stay busy. Default 5 s. */
  timeoutMs?: number
}

/** Removes a container's cgroups, with those below them. Parents stay. Absent is no error. */
export function removeSteps(
  location: CgroupLocation,
  { kill = false, timeoutMs = 5000 }: RemoveOptions = {},
): Step[] {
  return cgroupDirs(location).map((path) => ({
    op: 'removeCgroup',
    path,
    ...(kill ? { kill } : {}),
    timeoutMs,
  }))
}

/** All directories of a container's cgroup. */
export function cgroupDirs({ v1, v2 }: CgroupLocation): string[] {
  return [...v1.map(({ dir }) => dir), ...(v2 ? [v2.dir] : [])]
}

/**
 * Directories that may hold the container's processes, best first: the first that exists has them all, in its
 * cgroup.procs and (for cgroups that the container made) in those below. EOPNOTSUPP means a threaded cgroup: its tasks
 * are in cgroup.threads.
 */
export function processDirs(location: CgroupLocation): string[] {
  const dir = v1Dir(location)
  return [...(location.v2 ? [location.v2.dir] : []), ...(dir ? [dir] : [])]
}

/** Pids in the text of cgroup.procs. */
export function parseProcs(text: string): number[] {
  return text.split('\n').filter(Boolean).map(Number)
}
