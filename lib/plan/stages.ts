import { CAP, hasCap } from './capabilities.ts'
import { CLOCK, CLONE } from './constants.ts'
import type { CreateContext } from './context.ts'
import { SYNC } from './messages.ts'
import { joinNamespace } from './namespaces.ts'
import type { Step } from './steps.ts'
import type { IdMaps } from './types.ts'
import { firstIds } from './userns.ts'

/** What the launching clone may make by itself: an exec would lose the rights in a new user namespace, a time namespace
 * counts for children only, and a cgroup namespace must see the right cgroup as its root. */
const BY_CLONE = CLONE.NEWPID | CLONE.NEWNS | CLONE.NEWNET | CLONE.NEWIPC | CLONE.NEWUTS

/** How the process gets into the container's namespaces. */
export interface Stages {
  /** CLONE_NEW* flags of the launching clone. */
  flags: number
  /** From init's first process to the one that becomes the container's. */
  steps: Step[]
}

/**
 * Makes and joins all namespaces. The kernel's rules: everything made after the user namespace belongs to it; pid and
 * time namespaces are entered by a child only, and CLONE_PARENT is forbidden to a pid 1, so that a new pid namespace
 * belongs to the last clone.
 */
export function stages(ctx: CreateContext, maps: IdMaps | null): Stages {
  const { namespaces, userNs } = ctx
  const { created, joined, from } = namespaces
  const joinsPid = joined.some(({ type }) => type === 'pid')
  const forks = joinsPid || (created & CLONE.NEWTIME) !== 0 || (userNs && (created & CLONE.NEWPID) !== 0)
  const byClone = userNs ? 0 : created & BY_CLONE & ~(forks ? CLONE.NEWPID : 0)
  // In a mount namespace of the caller's sources are staged; the container's is a copy of it.
  const flags = ctx.staged ? CLONE.NEWNS : byClone
  const rest = created & ~(byClone | CLONE.NEWUSER | CLONE.NEWTIME | CLONE.NEWPID)
  const steps = userNs ? withUser(ctx, maps) : [...joined.map(joinNamespace), ...timeSteps(ctx)]
  if (rest) steps.push({ op: 'unshare', flags: rest, from: '/linux/namespaces' })
  if (forks) steps.push({ op: 'fork', flags: created & CLONE.NEWPID, from: from.pid ?? from.time })
  return { flags, steps }
}

function withUser(ctx: CreateContext, maps: IdMaps | null): Step[] {
  const { namespaces, config, host } = ctx
  const { joined, joinedUser, from } = namespaces
  const ids = firstIds(config)
  const others = joined.map(joinNamespace)
  if (joinedUser) {
    // Whether that namespace denies setgroups(2) is not known; the tail drops the groups.
    const enter: Step[] = [
      joinNamespace(joinedUser),
      { op: 'setIds', ...ids, keepGroups: true, from: joinedUser.from },
    ]
    // A privileged caller has rights over all namespaces, the user namespace's root only over those that it owns; an
    // unprivileged caller has none before.
    const first = hasCap(host.effectiveCaps, CAP.SYS_ADMIN)
    return [...(first ? [...others, ...enter] : [...enter, ...others]), ...timeSteps(ctx)]
  }
  const groups = maps?.denySetgroups ? { keepGroups: true } : { groups: [] }
  return [
    ...others,
    { op: 'unshare', flags: CLONE.NEWUSER, from: from.user },
    // Its files in /proc must be its own: for the maps, and (before the ids change) for the offsets of its clocks.
    { op: 'dumpable', on: true },
    ...timeSteps(ctx),
    { op: 'sync', name: SYNC.map, from: '/linux/uidMappings' },
    { op: 'setIds', ...ids, ...groups, from: '/linux/uidMappings' },
    ...(others.length > 0 ? [{ op: 'dumpable', on: false } as const] : []),
  ]
}

function timeSteps({ namespaces, linux }: CreateContext): Step[] {
  if (!(namespaces.created & CLONE.NEWTIME)) return []
  const steps: Step[] = [{ op: 'unshare', flags: CLONE.NEWTIME, from: namespaces.from.time }]
  const { monotonic, boottime } = linux.timeOffsets ?? {}
  for (const [clock, offset, name] of [
    [CLOCK.MONOTONIC, monotonic, 'monotonic'],
    [CLOCK.BOOTTIME, boottime, 'boottime'],
  ] as const) {
    if (!offset) continue
    const { secs = 0, nanosecs = 0 } = offset
    steps.push({ op: 'timeOffset', clock, secs, nanosecs, from: `/linux/timeOffsets/${name}` })
  }
  return steps
}
