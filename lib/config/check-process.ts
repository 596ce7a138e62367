import type { Process, Rlimit, Scheduler, User } from '../../types/index.ts'
import { checkId } from './check-ids.ts'
import { checkAbsolutePath, checkNumberList } from './check-text.ts'
import { invalid, Wording } from './problem.ts'

/** The resources of setrlimit(2). */
export const RLIMITS: readonly string[] = Object.freeze([
  'RLIMIT_AS',
  'RLIMIT_CORE',
  'RLIMIT_CPU',
  'RLIMIT_DATA',
  'RLIMIT_FSIZE',
  'RLIMIT_LOCKS',
  'RLIMIT_MEMLOCK',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_NOFILE',
  'RLIMIT_NPROC',
  'RLIMIT_RSS',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
  'RLIMIT_SIGPENDING',
  'RLIMIT_STACK',
])

/**
 * The rules for a process that its shape does not tell (config.md, Process).
 *
 * @param at JSON pointer of the process
 * @throws OciError `ERR_OCI_CONFIG_INVALID`
 */
export function checkProcess(process: Process, at: string): void {
  checkAbsolutePath(process.cwd, `${at}/cwd`)
  if (process.args[0] === '') throw invalid(`${at}/args/0`, 'the name or path of a program', '')
  for (const [index, variable] of (process.env ?? []).entries()) {
    if (variable.indexOf('=') < 1) throw invalid(`${at}/env/${index}`, 'NAME=value', variable)
  }
  if (process.consoleSize) {
    for (const key of ['height', 'width'] as const) {
      const size = process.consoleSize[key]
      if (size > 65535) throw invalid(`${at}/consoleSize/${key}`, 'at most 65535 characters', size)
    }
  }
  if (process.user) checkUser(process.user, `${at}/user`)
  if (process.rlimits) checkRlimits(process.rlimits, `${at}/rlimits`)
  if (process.scheduler) checkScheduler(process.scheduler, `${at}/scheduler`)
  for (const key of ['initial', 'final'] as const) {
    const list = process.execCPUAffinity?.[key]
    if (list !== undefined) checkNumberList(list, `${at}/execCPUAffinity/${key}`, 'CPUs')
  }
}

function checkUser(user: User, at: string): void {
  checkId(user.uid, `${at}/uid`)
  checkId(user.gid, `${at}/gid`)
  for (const [index, gid] of (user.additionalGids ?? []).entries())
    checkId(gid, `${at}/additionalGids/${index}`)
  if (user.umask !== undefined && user.umask > 0o777) {
    throw invalid(
      `${at}/umask`,
      'permission bits, from 0 to 511 (0o777)',
      user.umask,
      'JSON numbers are decimal.',
    )
  }
}

function checkRlimits(rlimits: readonly Rlimit[], at: string): void {
  const seen = new Set<string>()
  for (const [index, { type, soft, hard }] of rlimits.entries()) {
    if (!RLIMITS.includes(type)) {
      throw invalid(`${at}/${index}/type`, `one of ${RLIMITS.join(', ')}`, type)
    }
    if (seen.has(type)) {
      throw invalid(`${at}/${index}/type`, 'each limit once', new Wording(`a second ${type}`))
    }
    seen.add(type)
    if (soft > hard) throw invalid(`${at}/${index}/soft`, `at most the hard limit, ${hard}`, soft)
  }
}

const REAL_TIME = ['SCHED_FIFO', 'SCHED_RR']

/** What sched_setattr(2) would answer with EINVAL. */
function checkScheduler(scheduler: Scheduler, at: string): void {
  const { policy, nice = 0, priority = 0 } = scheduler
  if (nice < -20 || nice > 19) throw invalid(`${at}/nice`, 'a nice value from -20 to 19', nice)
  if (REAL_TIME.includes(policy)) {
    if (priority < 1 || priority > 99) {
      throw invalid(`${at}/priority`, `a priority from 1 to 99 with ${policy}`, scheduler.priority)
    }
  } else if (priority !== 0) {
    throw invalid(`${at}/priority`, 'no priority but with SCHED_FIFO and SCHED_RR', priority)
  }
  if (policy !== 'SCHED_DEADLINE') {
    for (const key of ['runtime', 'deadline', 'period'] as const) {
      const time = scheduler[key] ?? 0
      if (Number(time) !== 0) throw invalid(`${at}/${key}`, `no ${key} but with SCHED_DEADLINE`, time)
    }
    return
  }
  const { runtime = 0, deadline = 0, period = 0 } = scheduler
  if (runtime < 1024)
    throw invalid(`${at}/runtime`, 'at least 1024 ns with SCHED_DEADLINE', scheduler.runtime)
  if (deadline < runtime)
    throw invalid(`${at}/deadline`, `at least the runtime, ${runtime}`, scheduler.deadline)
  if (Number(period) !== 0 && period < deadline) {
    throw invalid(`${at}/period`, `0, or at least the deadline, ${deadline}`, period)
  }
  for (const [key, time] of [['deadline', deadline] as const, ['period', period] as const]) {
    if (time >= 2n ** 63n) throw invalid(`${at}/${key}`, 'less than 2^63 ns', time)
  }
}
