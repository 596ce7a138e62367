import type { CgroupCreation, CgroupLayout } from '../../../lib/cgroup/types.ts'
import { spec } from '../../../lib/config/spec.ts'
import { CLONE } from '../../../lib/plan/constants.ts'
import { explainPlanJson, stepFields } from '../../../lib/plan/explain.ts'
import { SLOT_RANGE } from '../../../lib/plan/slots.ts'
import type { Step } from '../../../lib/plan/steps.ts'
import type { CreateInput, ExecInput, HostFacts, Launch } from '../../../lib/plan/types.ts'
import type { Config, Namespace, NamespaceType } from '../../../types/index.ts'

export const ALL_CAPS = (1n << 41n) - 1n

export const V1: CgroupLayout = {
  mode: 'v1',
  v1: [
    { controllers: ['memory'], mountpoint: '/sys/fs/cgroup/memory', own: '/user' },
    { controllers: ['cpu', 'cpuacct'], mountpoint: '/sys/fs/cgroup/cpu,cpuacct', own: '/' },
    { controllers: [], name: 'systemd', mountpoint: '/sys/fs/cgroup/systemd', own: '/init' },
  ],
  v2: null,
}

export const V2: CgroupLayout = {
  mode: 'v2',
  v1: [],
  v2: { mountpoint: '/sys/fs/cgroup', own: '/user', controllers: ['memory', 'pids'] },
}

/** A privileged caller in the initial namespaces of a new kernel. */
export function host(facts: Partial<HostFacts> = {}): HostFacts {
  return {
    euid: 0,
    egid: 0,
    capLastCap: 40,
    effectiveCaps: ALL_CAPS,
    kernel: [6, 1],
    mountSetattr: true,
    cloneIntoCgroup: true,
    timeNamespace: true,
    initialUserNamespace: true,
    apparmor: false,
    selinux: false,
    cgroup: V1,
    namespaces: { user: 'user:[1]', net: 'net:[2]', pid: 'pid:[3]', mnt: 'mnt:[4]', uts: 'uts:[5]' },
    ...facts,
  }
}

/** A caller without rights. */
export const USER: Partial<HostFacts> = { euid: 1000, egid: 1000, effectiveCaps: 0n }

/** A config with next to nothing in it. */
export function bare(config: Partial<Config> = {}): Config {
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { args: ['/bin/true'], cwd: '/', user: { uid: 0, gid: 0 } },
    ...config,
  }
}

/** The default config without a terminal. */
export function defaultSpec(): Config {
  const config = spec()
  if (config.process) config.process.terminal = false
  return config
}

export function namespaces(...list: (NamespaceType | [type: NamespaceType, path: string])[]): Namespace[] {
  return list.map((entry) =>
    typeof entry === 'string' ? { type: entry } : { type: entry[0], path: entry[1] },
  )
}

export function input(config: Config, more: Partial<CreateInput> = {}): CreateInput {
  return {
    id: 'demo',
    config,
    bundle: '/bundle',
    host: host(),
    cgroup: null,
    seccomp: null,
    noPivot: false,
    noNewKeyring: false,
    preserveFds: 0,
    consoleSocket: false,
    listenPid: false,
    ...more,
  }
}

export function execInput(config: Config, more: Partial<ExecInput> = {}): ExecInput {
  return {
    process: config.process ?? { args: ['sh'], cwd: '/' },
    config,
    id: 'demo',
    bundle: '/bundle',
    host: host(),
    seccomp: null,
    preserveFds: 0,
    listenPid: false,
    setgroupsDenied: false,
    joinFlags: CLONE.NEWNS | CLONE.NEWPID,
    joinRoot: false,
    cgroup: null,
    consoleSocket: false,
    noNewKeyring: false,
    ...more,
  }
}

/** A cgroup that was made: joined by fds on v1, by the clone on v2. */
export function cgroup(mode: 'v1' | 'v2', optional = false): NonNullable<CreateInput['cgroup']> {
  const creation: CgroupCreation = {
    make: [],
    limits: [],
    open: [],
    joinSlots: mode === 'v1' ? [SLOT_RANGE.cgroups, SLOT_RANGE.cgroups + 1] : [],
    cloneSlot: mode === 'v2' ? 13 : null,
    optional,
    warnings: [],
  }
  const v1 = V1.v1.slice(0, 2).map(({ controllers, mountpoint }) => {
    return { controllers, mountpoint, dir: `${mountpoint}/demo` }
  })
  const v2 = { dir: '/sys/fs/cgroup/demo', mountpoint: '/sys/fs/cgroup' }
  return { creation, location: mode === 'v1' ? { mode, v1, v2: null } : { mode, v1: [], v2 } }
}

/** Steps as short lines: the name, the fields that say something, what is ignored. `from` is left out. */
export function lines(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    const words = Object.entries(stepFields(step)).map(([name, value]) => {
      if (value === true) return name
      return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
    })
    const ignore = step.ignore?.length ? [`ignore=${step.ignore.join()}`] : []
    return [...(step.orElse ? ['orElse'] : []), step.op, ...words, ...ignore].join(' ')
  })
}

/** The steps of one part of a launch as lines. */
export function part(launch: Launch, name: 'host' | 'init' | 'tail'): string[] {
  const begin = launch.tail < 0 ? launch.init.length : launch.tail
  if (name === 'host') return lines(launch.host)
  return lines(name === 'init' ? launch.init.slice(0, begin) : launch.init.slice(begin))
}

/** Just the names of init's steps up to `created`. */
export function ops(launch: Launch): string[] {
  return explainPlanJson(launch)
    .steps.filter((step) => step.part === 'init')
    .map(({ op }) => op)
}

/** The lines of those steps whose name is among `names`. */
export function only(steps: readonly Step[], ...names: string[]): string[] {
  return lines(steps.filter(({ op }) => names.includes(op)))
}
