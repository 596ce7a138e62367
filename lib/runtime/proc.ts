import { readFileSync, readlinkSync } from 'node:fs'

/** What oci-ts needs of /proc/PID/stat (proc_pid_stat(5)). */
export interface ProcessStat {
  /** Name of the task, at most 15 bytes; the process itself may change it. */
  comm: string
  /** `R`, `S`, `D`, `T`, `Z` (zombie), `X` (dead) … */
  state: string
  /** Start time in clock ticks since boot (field 22): with the pid it names one process for good. */
  startTime: number
}

/** Parses the text of /proc/PID/stat; the comm may hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return null
  const fields = text.slice(close + 2).split(' ')
  const startTime = Number(fields[19])
  if (fields[0] === undefined || !Number.isSafeInteger(startTime)) return null
  return { comm: text.slice(open + 1, close), state: fields[0], startTime }
}

// Reads of procfs do not wait for a disk: some 10 µs each, less than a trip to a worker thread.

/** The stat of a process, or null if there is none with this pid. */
export function readStat(pid: number): ProcessStat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return null
  }
}

/** The process of `pid` if it is the one that started at `startTime` and has not ended (a zombie has), else null. */
export function liveStat(pid: number, startTime: number): ProcessStat | null {
  if (pid <= 0) return null
  const stat = readStat(pid)
  if (stat === null || stat.startTime !== startTime || stat.state === 'Z' || stat.state === 'X') return null
  return stat
}

/** The pid that a pidfd stands for, in this process's pid namespace; 0 if it has ended. */
export function pidOfPidfd(pidfd: number): number {
  try {
    const match = /^Pid:\s+(-?\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'latin1'))
    return Math.max(0, Number(match?.[1] ?? 0))
  } catch {
    return 0
  }
}

const NAMESPACES = ['pid', 'net', 'mnt', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const

/** The namespaces of a process by their name in /proc/PID/ns: `pid:[4026531836]`. Those that can't be read are left out. */
export function readNamespaces(pid: number | 'self'): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of NAMESPACES) {
    try {
      found[name] = readlinkSync(`/proc/${pid}/ns/${name}`)
    } catch {}
  }
  return found
}
