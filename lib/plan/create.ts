import type { Config } from '../../types/index.ts'
import { enterCgroup, joinLater, mayJoinLater } from './cgroup-join.ts'
import { consoleSteps } from './console.ts'
import { CLONE, ERRNO, O } from './constants.ts'
import { type CreateContext, createContext, invalid, unsupported } from './context.ts'
import { deviceSteps } from './devices.ts'
import { hasRuntimeHooks, hookSteps } from './hooks.ts'
import { keyringSteps } from './keyring.ts'
import { SYNC } from './messages.ts'
import { bindsDev, mountSteps } from './mounts.ts'
import { checkPrivilege, namespaceSlots, openNamespaces } from './namespaces.ts'
import { roomToFork } from './pids-room.ts'
import { compileTail, findProgram } from './process.ts'
import { raiseRlimits } from './rlimits.ts'
import { changeRoot, enterRoot, propagateRoot, readonlyRoot } from './rootfs.ts'
import { securitySteps } from './security.ts'
import { SLOT, SLOT_RANGE } from './slots.ts'
import { stages } from './stages.ts'
import type { Step } from './steps.ts'
import type { CreateInput, Launch } from './types.ts'
import { idMaps } from './userns.ts'

/**
 * The plan of a new container: namespaces, filesystems and everything else up to `created`, then (if the config has a
 * process) the tail. The config has been validated.
 *
 * @throws ERR_OCI_CONFIG_INVALID, ERR_OCI_UNSUPPORTED or ERR_OCI_PERMISSION with `path`, before anything is touched
 */
export function compileCreate(input: CreateInput): Launch {
  const ctx = createContext(input)
  check(ctx)
  const { config, host, namespaces } = ctx
  const { process } = config
  const maps = namespaces.created & CLONE.NEWUSER ? idMaps(config, host) : null
  const creation = input.cgroup?.creation ?? null
  const joinsLater = mayJoinLater(ctx)
  const cgroup = enterCgroup(joinsLater ? null : creation, host.cloneIntoCgroup)
  const { flags, steps: enter } = stages(ctx, maps)
  const room = enter.some(({ op }) => op === 'fork') ? roomToFork(ctx) : null
  // Before `early` is read: it fills it.
  const filesystem = filesystemSteps(ctx, joinsLater && creation ? joinLater(creation) : [])
  const init: Step[] = [
    ...cgroup.init,
    ...privilegedSteps(ctx),
    ...ctx.early,
    ...ctx.stage,
    ...enter,
    ...(room?.init ?? []),
    ...sessionSteps(ctx),
    ...filesystem,
    ...(process ? programSteps(ctx) : []),
    { op: 'dumpable', on: false },
    { op: 'waitStart', listen: SLOT.start },
  ]
  const tail = process ? init.length : -1
  if (process) init.push(...tailSteps(ctx, maps?.denySetgroups ?? false))
  return {
    host: [...openNamespaces(namespaces), ...cgroup.host, ...(room?.host ?? []), ...openRoot(ctx)],
    init,
    flags,
    pass: [...cgroup.pass, ...passes(ctx, room?.pass ?? [])],
    cgroup: cgroup.cgroup,
    joinsLater,
    maps,
    tail,
    warnings: ctx.warnings,
  }
}

function check(ctx: CreateContext): void {
  const { config, linux, host, namespaces } = ctx
  checkPrivilege(namespaces, host)
  if (linux.intelRdt) throw unsupported('/linux/intelRdt', 'Intel RDT is not implemented yet')
  if (linux.netDevices && Object.keys(linux.netDevices).length > 0) {
    throw unsupported('/linux/netDevices', 'Moving of network devices is not implemented yet')
  }
  if (linux.mountLabel && !host.selinux) {
    const hint = 'Leave the label out, or boot with SELinux enabled.'
    throw unsupported('/linux/mountLabel', 'SELinux is not enabled on this host', hint)
  }
  if (namespaces.own & CLONE.NEWTIME && !host.timeNamespace) {
    throw unsupported(namespaces.from.time ?? '/linux/namespaces', 'This kernel has no time namespaces')
  }
  for (const name of ['hostname', 'domainname'] as const) {
    if (config[name] && !(namespaces.own & CLONE.NEWUTS)) {
      throw invalid(`/${name}`, `A ${name} needs a namespace of type "uts" of the container's own`)
    }
  }
}

/** What init does with the caller's own credentials, before it enters anything. */
function privilegedSteps({ config, namespaces, userNs }: CreateContext): Step[] {
  const { process } = config
  const steps: Step[] = [
    // Else the container would keep to the CPUs of whoever runs the caller.
    { op: 'affinity', ignore: [ERRNO.EPERM, ERRNO.EINVAL] },
  ]
  if (process?.oomScoreAdj !== undefined) {
    steps.push({ op: 'oomScoreAdj', value: process.oomScoreAdj, from: '/process/oomScoreAdj' })
  }
  if (userNs) steps.push(...raiseRlimits(process?.rlimits))
  // Others live in a joined namespace: none of them may trace init.
  if (namespaces.joined.length > 0 || namespaces.joinedUser) steps.push({ op: 'dumpable', on: false })
  return steps
}

function sessionSteps({ input, config, namespaces }: CreateContext): Step[] {
  const steps: Step[] = [{ op: 'setsid' }, ...keyringSteps(input)]
  if (namespaces.created & CLONE.NEWNET) steps.push({ op: 'loopback', from: namespaces.from.network })
  if (config.hostname) steps.push({ op: 'hostname', name: config.hostname, from: '/hostname' })
  if (config.domainname) steps.push({ op: 'domainname', name: config.domainname, from: '/domainname' })
  return steps
}

function filesystemSteps(ctx: CreateContext, join: Step[]): Step[] {
  const { input, config, mountNs } = ctx
  const [propagation, ...root] = enterRoot(ctx)
  const mounts = mountSteps(ctx)
  const joinAt = firstOfCgroup(mounts, config)
  const devices = deviceSteps(ctx)
  const hasNull =
    !bindsDev(config.mounts) && devices.some((step) => 'path' in step && step.path === '/dev/null')
  return [
    ...(propagation ? [propagation] : []),
    ...(mountNs ? [{ op: 'keepNull' } as const] : []),
    { op: 'openProc', to: SLOT.proc },
    ...root,
    ...mounts.slice(0, joinAt),
    ...join,
    ...mounts.slice(joinAt),
    ...devices,
    ...createHooks(ctx),
    ...changeRoot(ctx),
    ...(hasNull ? [{ op: 'reopenNull' } as const] : []),
    ...cwdSteps(ctx),
    ...consoleSteps(config.process, { consoleSocket: input.consoleSocket, bindConsole: mountNs }),
    ...ctx.late,
    ...readonlyRoot(ctx),
    ...securitySteps(ctx),
    ...propagateRoot(ctx),
  ]
}

/** The first step that needs to be in the cgroup: it mounts the cgroup, or fills a tmpfs whose memory counts. */
function firstOfCgroup(mounts: readonly Step[], config: Config): number {
  const pointers = new Set<string>()
  for (const [index, { type }] of (config.mounts ?? []).entries()) {
    if (type === 'cgroup') pointers.add(`/mounts/${index}`)
  }
  const at = mounts.findIndex(
    (step) => pointers.has(step.from ?? '') || (step.op === 'mountFs' && step.copyUp === true),
  )
  return at < 0 ? mounts.length : at
}

function createHooks({ config, input }: CreateContext): Step[] {
  const { hooks } = config
  const steps: Step[] = []
  if (hasRuntimeHooks(hooks)) steps.push({ op: 'sync', name: SYNC.hooks, from: '/hooks' })
  const own = hookSteps('createContainer', hooks?.createContainer, input)
  if (own.length > 0) steps.push({ op: 'fchdir', slot: SLOT.root }, ...own)
  return steps
}

function cwdSteps({ config }: CreateContext): Step[] {
  const path = config.process?.cwd
  if (!path || path === '/') return []
  const from = '/process/cwd'
  return [
    { op: 'mkdir', dir: SLOT.root, path, mode: 0o755, inRoot: true, parents: true, existOk: true, from },
  ]
}

/** A missing program is an error of create. */
function programSteps({ config }: CreateContext): Step[] {
  const { process } = config
  if (!process) return []
  return [{ op: 'chdir', path: process.cwd, noFail: true, from: '/process/cwd' }, ...findProgram(process)]
}

function tailSteps({ input, config, warnings }: CreateContext, setgroupsDenied: boolean): Step[] {
  const { process } = config
  if (!process) return []
  const tail = { ...input, process, setgroupsDenied, startHooks: true, lookup: false }
  return compileTail(tail, (warning) => warnings.push(warning))
}

/** Without a mount namespace the root is just a directory of the host. */
function openRoot({ mountNs, rootfs }: CreateContext): Step[] {
  if (mountNs) return []
  return [{ op: 'open', to: SLOT.root, path: rootfs, flags: O.PATH, from: '/root/path' }]
}

function passes(
  { input, namespaces, mountNs }: CreateContext,
  more: readonly number[],
): [host: number, init: number][] {
  const slots: number[] = [...namespaceSlots(namespaces), SLOT.start, ...more]
  if (!mountNs) slots.push(SLOT.root)
  if (input.consoleSocket) slots.push(SLOT.consoleSocket)
  for (let i = 0; i < input.preserveFds; i++) slots.push(SLOT_RANGE.preserved + i)
  return slots.map((slot) => [slot, slot])
}
