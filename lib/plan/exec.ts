import { CAP, hasCap } from './capabilities.ts'
import { enterCgroup } from './cgroup-join.ts'
import { consoleSteps } from './console.ts'
import { CLONE, ERRNO } from './constants.ts'
import { cpuMask } from './cpu-list.ts'
import { keyringSteps } from './keyring.ts'
import { compileTail } from './process.ts'
import { raiseRlimits } from './rlimits.ts'
import { SLOT, SLOT_RANGE } from './slots.ts'
import type { Step } from './steps.ts'
import type { ExecInput, Launch, PlanWarning } from './types.ts'
import { firstIds } from './userns.ts'

/**
 * The plan of a process in a running container: it joins the cgroup and, by the target's pidfd, the namespaces, and then
 * becomes the process.
 *
 * @throws ERR_OCI_CONFIG_INVALID, ERR_OCI_UNSUPPORTED or ERR_OCI_PERMISSION with `path` (into a config whose `process`
 * is the given one)
 */
export function compileExec(input: ExecInput): Launch {
  const warnings: PlanWarning[] = []
  const { process, host } = input
  // With CPUs for the time before it joins, it can't be born there.
  const clone = host.cloneIntoCgroup && !process.execCPUAffinity?.initial
  const cgroup = enterCgroup(input.cgroup, clone)
  const { initial, final } = affinitySteps(input)
  const init: Step[] = [
    // Before it is anywhere near the container: nothing in it may trace this process.
    ...oomSteps(input),
    { op: 'dumpable', on: false },
    ...initial,
    ...cgroup.init,
    ...final,
    ...(input.joinFlags & CLONE.NEWUSER ? raiseRlimits(process.rlimits) : []),
    ...procSteps(input),
    ...joinSteps(input),
    ...(input.joinFlags & CLONE.NEWPID ? [{ op: 'fork', flags: 0 } as const] : []),
    { op: 'setsid' },
    ...keyringSteps(input),
    ...consoleSteps(process, { consoleSocket: input.consoleSocket, bindConsole: false }),
    ...compileTail({ ...input, startHooks: false, lookup: true }, (warning) => warnings.push(warning)),
  ]
  return {
    host: cgroup.host,
    init,
    flags: 0,
    pass: [...cgroup.pass, ...passes(input)],
    cgroup: cgroup.cgroup,
    joinsLater: false,
    maps: null,
    tail: -1,
    warnings,
  }
}

function affinitySteps({ process: { execCPUAffinity } }: ExecInput): { initial: Step[]; final: Step[] } {
  const { initial, final } = execCPUAffinity ?? {}
  const step = (list: string | undefined, name: string): Step[] => {
    const from = `/process/execCPUAffinity/${name}`
    return list ? [{ op: 'affinity', mask: cpuMask(list, from), from }] : []
  }
  // Without a word from the config, not the CPUs of whoever runs the caller.
  const reset: Step[] = [{ op: 'affinity', ignore: [ERRNO.EPERM, ERRNO.EINVAL] }]
  return {
    initial: step(initial, 'initial'),
    final: initial || final ? step(final, 'final') : reset,
  }
}

/** The container's own score, unless the process brings one: the caller's must not count. */
function oomSteps({ process, config }: ExecInput): Step[] {
  const value = process.oomScoreAdj ?? config.process?.oomScoreAdj
  return value === undefined ? [] : [{ op: 'oomScoreAdj', value, from: '/process/oomScoreAdj' }]
}

/** The procfs for labels is taken before the container is entered: inside, a masked /proc forbids a new one. */
function procSteps({ process }: ExecInput): Step[] {
  return process.apparmorProfile || process.selinuxLabel ? [{ op: 'openProc', to: SLOT.proc }] : []
}

function joinSteps(input: ExecInput): Step[] {
  const { joinFlags, joinRoot, host, process, config } = input
  const join = (type: number): Step[] => (type ? [{ op: 'setns', slot: SLOT.target, type }] : [])
  const root: Step[] = joinRoot ? [{ op: 'fchdir', slot: SLOT.root, chroot: true }] : []
  if (!(joinFlags & CLONE.NEWUSER)) return [...join(joinFlags), ...root]
  const ids: Step = { op: 'setIds', ...firstIds({ ...config, process }), keepGroups: true }
  // As in create: a privileged caller may join what the user namespace does not own, but only before it is in it.
  if (hasCap(host.effectiveCaps, CAP.SYS_ADMIN)) {
    return [...join(joinFlags & ~CLONE.NEWUSER), ...root, ...join(CLONE.NEWUSER), ids]
  }
  return [...join(joinFlags), ...root, ids]
}

function passes(input: ExecInput): [host: number, init: number][] {
  const slots: number[] = []
  if (input.joinFlags) slots.push(SLOT.target)
  if (input.joinRoot) slots.push(SLOT.root)
  if (input.consoleSocket) slots.push(SLOT.consoleSocket)
  for (let i = 0; i < input.preserveFds; i++) slots.push(SLOT_RANGE.preserved + i)
  return slots.map((slot) => [slot, slot])
}
