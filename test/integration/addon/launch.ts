import { readdirSync, readFileSync } from 'node:fs'
import { type NativeExit, type NativeRunResult, native } from '../../../lib/native.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { SLOT } from '../../../lib/plan/slots.ts'
import type { Plan, Step } from '../../../lib/plan/steps.ts'

const PATH = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'

/** The steps that run a program of the host. */
export function program(...args: string[]): Step[] {
  const env = [PATH]
  return [
    { op: 'findProgram', program: args[0] ?? '', env },
    { op: 'exec', args, env },
  ]
}

export interface Launched {
  result: NativeRunResult
  pid: number
  pidfd: number
  socket: number
  report: number
  /** Closes what this object has. */
  close(): void
}

export interface LaunchOptions {
  flags?: number
  stdout?: number
  stderr?: number
  /** Pairs of fd and init slot. */
  pass?: [fd: number, slot: number][]
  cgroup?: number
  trace?: boolean
}

/** Launches the init program with a plan. */
export async function launch(init: Plan, options: LaunchOptions = {}): Promise<Launched> {
  const pass = options.pass ?? []
  const first = 100
  const spawn: Step = {
    op: 'spawn',
    plan: encodePlan(init, { trace: options.trace }),
    flags: options.flags ?? 0,
    cgroup: options.cgroup === undefined ? undefined : SLOT.cgroup,
    stdout: options.stdout === undefined ? undefined : SLOT.stdout,
    stderr: options.stderr === undefined ? undefined : SLOT.stderr,
    pass: pass.flatMap(([, slot], i) => [first + i, slot]),
    pidfd: SLOT.pidfd,
    socket: SLOT.socket,
    report: SLOT.report,
  }
  const slots = pass.flatMap(([fd], i) => [first + i, fd])
  if (options.stdout !== undefined) slots.push(SLOT.stdout, options.stdout)
  if (options.stderr !== undefined) slots.push(SLOT.stderr, options.stderr)
  if (options.cgroup !== undefined) slots.push(SLOT.cgroup, options.cgroup)
  const result = await native().run(encodePlan([spawn]), slots, [SLOT.pidfd, SLOT.socket, SLOT.report])
  const [pidfd = -1, socket = -1, report = -1] = result.fds
  return {
    result,
    pid: result.pid,
    pidfd,
    socket,
    report,
    close() {
      for (const fd of [pidfd, socket, report]) if (fd >= 0) native().close(fd)
    },
  }
}

/** Resolves when the pidfd's process has ended. */
export function ended(pidfd: number): Promise<NativeExit> {
  return new Promise((resolve) => {
    const watch = native().poll(pidfd, 1, () => {
      watch.close()
      resolve(native().pidfdExit(pidfd))
    })
  })
}

/** Runs a plan to its end: its exit and what it wrote to stdout. */
export async function capture(init: Plan, options: LaunchOptions = {}) {
  const [read, write] = native().pipe()
  const launched = await launch(init, { ...options, stdout: write })
  native().close(write)
  const output = readFileSync(read, 'utf8')
  native().close(read)
  const exit = launched.pidfd >= 0 ? await ended(launched.pidfd) : null
  const report = launched.report >= 0 ? native().report(launched.report) : null
  launched.close()
  return { output, exit, report, failure: launched.result.failure, pid: launched.pid }
}

/** The children of this process: `S sleep`, `Z true`, … but for node's own workers. */
export function children(): string[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const [, comm, state, parent] =
        /\((.*)\) (\S) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? []
      return Number(parent) === process.pid && comm !== 'node' ? [`${state} ${comm}`] : []
    } catch {
      return []
    }
  })
}
