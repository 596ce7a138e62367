import { readdirSync, readFileSync } from 'node:fs'
import { native } from '../native.ts'
import { readStat } from '../runtime/proc.ts'

/**
 * Makes this process the parent of its descendants' orphans (PR_SET_CHILD_SUBREAPER), so that what a container without a
 * pid namespace leaves behind stays below it. The returned function has those that end reaped.
 */
export function adoptOrphans(): (except: number) => () => void {
  if (native().becomeSubreaper() !== 0) return () => () => {}
  return (except) => {
    const reap = () => {
      for (const pid of children()) {
        if (pid !== except && readStat(pid)?.state === 'Z') native().reap(pid)
      }
    }
    process.on('SIGCHLD', reap)
    reap()
    return () => process.off('SIGCHLD', reap)
  }
}

/** The pids of this process's children, whichever thread they belong to. */
function children(): number[] {
  try {
    return readdirSync('/proc/self/task')
      .map((tid) => readFileSync(`/proc/self/task/${tid}/children`, 'latin1'))
      .flatMap((text) => text.trim().split(' ').filter(Boolean).map(Number))
  } catch {
    // The kernel has no such file, or a thread has just ended.
    return []
  }
}
