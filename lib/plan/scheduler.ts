import type {
  IoPriority,
  IoPriorityClass,
  MemoryPolicy,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  Personality,
  Scheduler,
  SchedulerFlag,
  SchedulerPolicy,
} from '../../types/index.ts'
import { invalid } from './context.ts'
import { cpuMask } from './cpu-list.ts'
import type { Step } from './steps.ts'

const POLICIES: Readonly<Record<SchedulerPolicy, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
}

const SCHED_FLAGS: Readonly<Record<SchedulerFlag, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
}

const IO_CLASSES: Readonly<Record<IoPriorityClass, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
}

const MEMORY_MODES: Readonly<Record<MemoryPolicyMode, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
}

const MEMORY_FLAGS: Readonly<Record<MemoryPolicyFlag, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
}

/** Known modes and flags of memory policies, for `features`. */
export const MEMORY_POLICY = {
  modes: Object.keys(MEMORY_MODES) as MemoryPolicyMode[],
  flags: Object.keys(MEMORY_FLAGS) as MemoryPolicyFlag[],
} as const

/** sched_setattr(2). What does not fit together is the kernel's to refuse. */
export function schedulerSteps(scheduler: Scheduler | undefined): Step[] {
  if (!scheduler) return []
  const from = '/process/scheduler'
  let flags = 0
  for (const [index, flag] of (scheduler.flags ?? []).entries()) {
    flags |= pick(SCHED_FLAGS, flag, `${from}/flags/${index}`)
  }
  return [
    {
      op: 'scheduler',
      policy: pick(POLICIES, scheduler.policy, `${from}/policy`),
      flags,
      nice: scheduler.nice ?? 0,
      priority: scheduler.priority ?? 0,
      runtime: scheduler.runtime ?? 0,
      deadline: scheduler.deadline ?? 0,
      period: scheduler.period ?? 0,
      from,
    },
  ]
}

/** ioprio_set(2). */
export function ioPrioritySteps(ioPriority: IoPriority | undefined): Step[] {
  if (!ioPriority) return []
  const from = '/process/ioPriority'
  const value = (pick(IO_CLASSES, ioPriority.class, `${from}/class`) << 13) | (ioPriority.priority ?? 0)
  return [{ op: 'ioPriority', value, from }]
}

/** personality(2). */
export function personalitySteps(personality: Personality | undefined): Step[] {
  if (!personality) return []
  const from = '/linux/personality'
  const persona = pick({ LINUX: 0, LINUX32: 8 }, personality.domain, `${from}/domain`)
  return [{ op: 'personality', persona, from }]
}

/** set_mempolicy(2). */
export function memoryPolicySteps(policy: MemoryPolicy | undefined): Step[] {
  if (!policy) return []
  const from = '/linux/memoryPolicy'
  let mode = pick(MEMORY_MODES, policy.mode, `${from}/mode`)
  for (const [index, flag] of (policy.flags ?? []).entries()) {
    mode |= pick(MEMORY_FLAGS, flag, `${from}/flags/${index}`)
  }
  const nodes = policy.nodes ? cpuMask(policy.nodes, `${from}/nodes`) : undefined
  return [{ op: 'memoryPolicy', mode, nodes, from }]
}

function pick<K extends string>(table: Readonly<Record<K, number>>, name: K, path: string): number {
  if (Object.hasOwn(table, name)) return table[name]
  throw invalid(path, `Expected one of ${Object.keys(table).join(', ')}, got "${name}"`)
}
