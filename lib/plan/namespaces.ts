import type { Config, Namespace, NamespaceType } from '../../types/index.ts'
import { OciError } from '../errors.ts'
import { CAP, hasCap } from './capabilities.ts'
import { CLONE, O } from './constants.ts'
import { SLOT_RANGE } from './slots.ts'
import type { Step } from './steps.ts'
import type { HostFacts } from './types.ts'

/** The CLONE_NEW* flag of each kind of namespace. */
export const NAMESPACE_FLAG: Readonly<Record<NamespaceType, number>> = {
  user: CLONE.NEWUSER,
  cgroup: CLONE.NEWCGROUP,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
  network: CLONE.NEWNET,
  pid: CLONE.NEWPID,
  time: CLONE.NEWTIME,
  mount: CLONE.NEWNS,
}

/** The order in which namespaces are joined: the mount namespace last, since it changes what paths mean. */
const JOIN_ORDER: readonly NamespaceType[] = ['cgroup', 'ipc', 'uts', 'network', 'pid', 'time', 'mount']

/** A namespace that is joined by its path. */
export interface JoinedNamespace {
  type: NamespaceType
  flag: number
  /** Slot of its fd, on the host and in init. */
  slot: number
  path: string
  from: string
}

/** Which namespaces the container has of its own. */
export interface Namespaces {
  /** CLONE_NEW* flags of those to make. */
  created: number
  /** Those to join, in the order of joining, without the user namespace. */
  joined: readonly JoinedNamespace[]
  /** The user namespace to join. */
  joinedUser: JoinedNamespace | null
  /** CLONE_NEW* flags of all that are made or joined: those that the container does not share with the caller. */
  own: number
  /** JSON pointer of each kind that is listed. */
  from: Readonly<Partial<Record<NamespaceType, string>>>
}

/** Reads `linux.namespaces`. A path that leads to the caller's own namespace counts as not listed. */
export function readNamespaces(
  config: Config,
  host: Pick<HostFacts, 'namespaces'>,
  ids: Readonly<Record<string, string>> = {},
): Namespaces {
  const callers = new Set(Object.values(host.namespaces))
  const byType = new Map<NamespaceType, JoinedNamespace>()
  const from: Partial<Record<NamespaceType, string>> = {}
  let created = 0
  for (const [index, { type, path }] of (config.linux?.namespaces ?? []).entries()) {
    const flag = NAMESPACE_FLAG[type]
    const pointer = `/linux/namespaces/${index}`
    if (flag === undefined) throw unknownType(type, pointer)
    if (!path) created |= flag
    else if (callers.has(ids[path] ?? '')) continue
    else byType.set(type, { type, flag, slot: SLOT_RANGE.namespaces + index, path, from: `${pointer}/path` })
    from[type] = pointer
  }
  const joined = JOIN_ORDER.flatMap((type) => byType.get(type) ?? [])
  const joinedUser = byType.get('user') ?? null
  let own = created | (joinedUser?.flag ?? 0)
  for (const { flag } of joined) own |= flag
  return { created, joined, joinedUser, own, from }
}

/** Host steps that open the namespaces to join. All are opened before the first is joined: a join may hide the rest. */
export function openNamespaces(namespaces: Namespaces): Step[] {
  return listed(namespaces).map(({ slot, path, from }) => ({
    op: 'open',
    to: slot,
    path,
    // Not to wait at a FIFO, nor to take a terminal, that somebody put there.
    flags: O.RDONLY | O.NONBLOCK | O.NOCTTY,
    from,
  }))
}

/** The slots of the namespaces to join. */
export function namespaceSlots(namespaces: Namespaces): number[] {
  return listed(namespaces).map(({ slot }) => slot)
}

/** The step that joins a namespace. The kernel refuses a file of another kind. */
export function joinNamespace({ slot, flag, from }: JoinedNamespace): Step {
  return { op: 'setns', slot, type: flag, from }
}

/** Refuses namespaces that an unprivileged caller can't have without a user namespace. */
export function checkPrivilege(namespaces: Namespaces, host: HostFacts): void {
  if (namespaces.own === 0 || namespaces.own & CLONE.NEWUSER) return
  if (hasCap(host.effectiveCaps, CAP.SYS_ADMIN)) return
  throw new OciError('ERR_OCI_PERMISSION', 'Namespaces without a user namespace need CAP_SYS_ADMIN', {
    path: '/linux/namespaces',
    hint: 'Add a namespace of type "user" with uidMappings and gidMappings, as `oci-ts spec --rootless` does.',
  })
}

function listed({ joined, joinedUser }: Namespaces): JoinedNamespace[] {
  return joinedUser ? [joinedUser, ...joined] : [...joined]
}

function unknownType(type: Namespace['type'], path: string): OciError {
  const known = Object.keys(NAMESPACE_FLAG).join(', ')
  return new OciError('ERR_OCI_CONFIG_INVALID', `Expected a type of namespace (${known}), got "${type}"`, {
    path: `${path}/type`,
  })
}
