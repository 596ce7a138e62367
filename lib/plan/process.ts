import type { Process } from '../../types/index.ts'
import { OciError } from '../errors.ts'
import { allCaps, capabilityMasks } from './capabilities.ts'
import { ERRNO } from './constants.ts'
import { invalid, unsupported } from './context.ts'
import { hookSteps } from './hooks.ts'
import { rlimitSteps } from './rlimits.ts'
import { ioPrioritySteps, memoryPolicySteps, personalitySteps, schedulerSteps } from './scheduler.ts'
import { SLOT, SLOT_RANGE } from './slots.ts'
import type { Step } from './steps.ts'
import type { PlanWarning, TailInput } from './types.ts'

const DEFAULT_UMASK = 0o022

/**
 * The tail of a plan: what a process becomes at the last moment, down to its exec. The same for create, for a `start`
 * that brings its own process, and for exec.
 *
 * Privileged settings come first. Without `noNewPrivileges` the seccomp filter is loaded while there still is
 * CAP_SYS_ADMIN; with it, last: the fewer calls of ours must it allow. The startContainer hooks run as the container's
 * user and under the filter, as with runc.
 *
 * @param warn gets what of the process is left out, and why
 * @throws ERR_OCI_UNSUPPORTED or ERR_OCI_CONFIG_INVALID, with `path`
 */
export function compileTail(input: TailInput, warn: (warning: PlanWarning) => void = () => {}): Step[] {
  const { process, config } = input
  const { linux } = config
  const cwd = process.cwd
  const nnp = process.noNewPrivileges === true
  const filter = seccompSteps(input)
  const { bounding, ...masks } = capabilityMasks(process.capabilities, grantableCaps(input), warn)
  for (const [index, flag] of (linux?.personality?.flags ?? []).entries()) {
    warn({ path: `/linux/personality/flags/${index}`, message: `Unknown flag "${flag}" is ignored` })
  }
  const uid = process.user?.uid ?? 0
  return [
    ...apparmorSteps(input),
    ...(nnp ? [{ op: 'noNewPrivs', from: '/process/noNewPrivileges' } as const] : []),
    ...schedulerSteps(process.scheduler),
    ...ioPrioritySteps(process.ioPriority),
    ...personalitySteps(linux?.personality),
    ...memoryPolicySteps(linux?.memoryPolicy),
    ...selinuxSteps(input),
    ...rlimitSteps(process.rlimits),
    ...(nnp ? [] : filter),
    { op: 'umask', mask: process.user?.umask ?? DEFAULT_UMASK, from: '/process/user/umask' },
    // For its first process create has made the directory; this one may bring another.
    { op: 'chdir', path: cwd, create: input.lookup && input.startHooks, noFail: true, from: '/process/cwd' },
    { op: 'boundingCaps', mask: bounding, from: '/process/capabilities/bounding' },
    ...(process.terminal ? [] : [{ op: 'chownStdio', uid, from: '/process/user/uid' } as const]),
    ...idSteps(input),
    { op: 'chdir', path: cwd, retry: true, check: true, from: '/process/cwd' },
    { op: 'caps', ...masks, from: '/process/capabilities' },
    ...(input.lookup ? findProgram(process) : []),
    ...(nnp ? filter : []),
    ...startHooks(input),
    execStep(input),
  ]
}

/** The lookup of the program as execvp(3) does it, in the PATH of the process's own environment. */
export function findProgram({ args, env = [] }: Process): Step[] {
  const program = args[0]
  if (!program) throw invalid('/process/args', 'The process needs a program to run')
  return [{ op: 'findProgram', program, env, from: '/process/args/0' }]
}

/** What a process of the container can have: everything in a user namespace, else what the caller has. */
function grantableCaps({ config, host }: TailInput): bigint {
  const all = allCaps(host.capLastCap)
  return config.linux?.namespaces?.some(({ type }) => type === 'user') ? all : all & host.effectiveCaps
}

function apparmorSteps({ process: { apparmorProfile }, host }: TailInput): Step[] {
  if (!apparmorProfile) return []
  const from = '/process/apparmorProfile'
  if (!host.apparmor) {
    const hint = 'Leave the profile out, or boot with AppArmor enabled.'
    throw unsupported(from, 'AppArmor is not enabled on this host', hint)
  }
  return [{ op: 'lsmLabel', proc: SLOT.proc, lsm: 'apparmor', value: `exec ${apparmorProfile}`, from }]
}

function selinuxSteps({ process: { selinuxLabel }, host }: TailInput): Step[] {
  if (!selinuxLabel) return []
  const from = '/process/selinuxLabel'
  if (!host.selinux) {
    const hint = 'Leave the label out, or boot with SELinux enabled.'
    throw unsupported(from, 'SELinux is not enabled on this host', hint)
  }
  return [{ op: 'lsmLabel', proc: SLOT.proc, lsm: 'selinux', value: selinuxLabel, from }]
}

function seccompSteps({ config, seccomp }: TailInput): Step[] {
  if (seccomp) return [{ op: 'seccomp', ...seccomp, from: '/linux/seccomp' }]
  // A filter that is silently missing would be worse than none at all.
  if (config.linux?.seccomp) {
    throw new OciError('ERR_OCI_INTERNAL', 'The seccomp filter was not compiled', { path: '/linux/seccomp' })
  }
  return []
}

function idSteps({ process, config, setgroupsDenied }: TailInput): Step[] {
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {}
  const step = { op: 'setIds', uid, gid, keepCaps: uid !== 0, from: '/process/user' } as const
  if (setgroupsDenied) {
    if (additionalGids.length === 0) return [{ ...step, keepGroups: true }]
    throw new OciError('ERR_OCI_PERMISSION', 'Supplementary groups are denied in this user namespace', {
      path: '/process/user/additionalGids',
      hint: 'Map more than one group id (/etc/subgid, newgidmap), or leave additionalGids out.',
    })
  }
  const groups = { ...step, groups: additionalGids }
  const joined = config.linux?.namespaces?.some(({ type, path }) => type === 'user' && path)
  if (!joined || additionalGids.length > 0) return [groups]
  // Only that namespace knows whether it denies setgroups(2).
  return [
    { ...groups, ignore: [ERRNO.EPERM] },
    { ...step, keepGroups: true, orElse: true },
  ]
}

function startHooks({ startHooks, config, process, id, bundle }: TailInput): Step[] {
  if (!startHooks) return []
  return hookSteps('startContainer', config.hooks?.startContainer, { id, bundle, config }, process.env)
}

function execStep({ process, preserveFds, listenPid }: TailInput): Step {
  const env = environment(process.env ?? [])
  const home = env.some((entry) => entry.startsWith('HOME=') && entry.length > 5)
  return {
    op: 'exec',
    args: process.args,
    env: home ? env : env.filter((entry) => entry !== 'HOME='),
    fds: Array.from({ length: preserveFds }, (_, i) => SLOT_RANGE.preserved + i),
    home: !home,
    homeUid: process.user?.uid ?? 0,
    pidEnv: listenPid,
    from: '/process/args',
  }
}

/** The environment in its order; of several values of one name only the last is left. */
function environment(env: readonly string[]): readonly string[] {
  const last = new Map<string, number>()
  for (const [index, entry] of env.entries()) {
    const end = entry.indexOf('=')
    if (end <= 0) throw invalid(`/process/env/${index}`, `Expected "NAME=value", got "${entry}"`)
    last.set(entry.slice(0, end), index)
  }
  if (last.size === env.length) return env
  const keep = new Set(last.values())
  return env.filter((_, index) => keep.has(index))
}
