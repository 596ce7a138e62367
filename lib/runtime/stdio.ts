import { fstatSync } from 'node:fs'
import { OciError } from '../errors.ts'
import { native } from '../native.ts'
import { SLOT } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import { InputStream, OutputStream } from './streams.ts'

/**
 * Where a standard stream of a process goes: `'pipe'` a Node stream, `'inherit'` the same stream of this process,
 * `'ignore'` /dev/null, or the number of an open fd of this process.
 */
export type StdioTarget = 'pipe' | 'inherit' | 'ignore' | number

/** The three standard streams: one word for all, or one each for stdin, stdout and stderr. */
export type Stdio = StdioTarget | readonly [stdin: StdioTarget, stdout: StdioTarget, stderr: StdioTarget]

/** The Node streams of a process, where `'pipe'` asks for them. */
export interface StdioStreams {
  stdin: InputStream | null
  stdout: OutputStream | null
  stderr: OutputStream | null
}

/** What a launch needs for the standard streams. */
export interface StdioPlan {
  /** Host steps that make the pipes. */
  steps: Step[]
  /** Pairs of slot and fd to lend. */
  slots: number[]
  /** Slots of our ends, to keep. */
  keep: number[]
  /** Which of the process's streams are no /dev/null. */
  streams: [stdin: boolean, stdout: boolean, stderr: boolean]
  /** Makes the Node streams of the kept fds, in the order of `keep`. */
  open(fds: readonly number[]): StdioStreams
}

/** Host slots of our ends of the pipes. */
const OWN_END = 20
const PROCESS_END = [SLOT.stdin, SLOT.stdout, SLOT.stderr] as const
const NAMES = ['stdin', 'stdout', 'stderr'] as const

/** No streams: everything is /dev/null. */
export const NO_STREAMS: StdioStreams = Object.freeze({ stdin: null, stdout: null, stderr: null })

/** The plan of a process without streams of its own: one with a terminal. */
export const NO_STDIO: StdioPlan = {
  steps: [],
  slots: [],
  keep: [],
  streams: [false, false, false],
  open: () => NO_STREAMS,
}

/** Checks the option and brings it into one shape. */
export function checkStdio(value: Stdio): readonly [StdioTarget, StdioTarget, StdioTarget] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value, value, value]
  if (list.length !== 3) {
    throw new OciError('ERR_OCI_OPTION_INVALID', `stdio: expected three entries, got ${list.length}`)
  }
  for (const [index, target] of list.entries()) {
    if (target === 'pipe' || target === 'inherit' || target === 'ignore') continue
    if (typeof target === 'number' && Number.isInteger(target) && target >= 0 && isOpen(target)) continue
    const got = typeof target === 'number' ? `${target}, which is no open fd` : JSON.stringify(target)
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      `stdio: expected 'pipe', 'inherit', 'ignore' or an open fd for ${NAMES[index]}, got ${got}`,
    )
  }
  return list as readonly [StdioTarget, StdioTarget, StdioTarget]
}

/** Whether the number is an open fd of this process. */
export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** Plans the standard streams of a process. */
export function planStdio(targets: readonly [StdioTarget, StdioTarget, StdioTarget]): StdioPlan {
  const plan: Omit<StdioPlan, 'open'> = { steps: [], slots: [], keep: [], streams: [false, false, false] }
  for (const [index, target] of targets.entries()) {
    if (target === 'ignore') continue
    const slot = PROCESS_END[index as 0 | 1 | 2]
    plan.streams[index] = true
    if (target === 'pipe') {
      const own = OWN_END + index
      plan.steps.push({ op: 'pipe', read: index === 0 ? slot : own, write: index === 0 ? own : slot })
      plan.keep.push(own)
    } else {
      plan.slots.push(slot, target === 'inherit' ? index : target)
    }
  }
  return { ...plan, open: (fds) => openStreams(plan.keep, fds) }
}

function openStreams(keep: readonly number[], fds: readonly number[]): StdioStreams {
  const fd = (index: number) => fds[keep.indexOf(OWN_END + index)] ?? -1
  for (const index of [0, 1, 2]) if (fd(index) >= 0) native().setNonblock(fd(index))
  return {
    stdin: fd(0) < 0 ? null : new InputStream(fd(0)),
    stdout: fd(1) < 0 ? null : new OutputStream(fd(1)),
    stderr: fd(2) < 0 ? null : new OutputStream(fd(2)),
  }
}
