import type { Rlimit } from '../../types/index.ts'
import { invalid } from './context.ts'
import type { Step } from './steps.ts'

/** Names of the resources in the order of their numbers (getrlimit(2)). */
export const RLIMITS: readonly string[] = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
]

const NOFILE = RLIMITS.indexOf('RLIMIT_NOFILE')
/** The kernel's own soft limit of open files. Node raises it to the hard one when it starts, and tells nobody. */
const NOFILE_SOFT = 1024

/** The limits of a process, exactly as listed. */
export function rlimitSteps(rlimits: readonly Rlimit[] = []): Step[] {
  const steps = rlimits.map(({ soft, hard }, index): Step => {
    const resource = resourceOf(rlimits, index)
    return { op: 'rlimit', resource, soft, hard, from: `/process/rlimits/${index}` }
  })
  if (!rlimits.some(({ type }) => type === 'RLIMIT_NOFILE')) {
    steps.push({ op: 'rlimit', resource: NOFILE, soft: NOFILE_SOFT, hard: NOFILE_SOFT, lower: true })
  }
  return steps
}

/** Lifts the hard limits while init still has the caller's rights: the root of a user namespace can't. */
export function raiseRlimits(rlimits: readonly Rlimit[] = []): Step[] {
  return rlimits.map(({ soft, hard }, index) => {
    const resource = resourceOf(rlimits, index)
    return { op: 'rlimit', resource, soft, hard, raise: true, from: `/process/rlimits/${index}` }
  })
}

function resourceOf(rlimits: readonly Rlimit[], index: number): number {
  const type = rlimits[index]?.type ?? ''
  const resource = RLIMITS.indexOf(type)
  if (resource < 0) {
    throw invalid(
      `/process/rlimits/${index}/type`,
      `Expected one of ${RLIMITS.join(', ')}, got "${type}"`,
      'Names have the form RLIMIT_NOFILE.',
    )
  }
  return resource
}
