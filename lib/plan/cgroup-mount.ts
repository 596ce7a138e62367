import { posix } from 'node:path'
import type { V1Hierarchy } from '../cgroup/types.ts'
import { CLONE, ERRNO, MOUNT_ATTR } from './constants.ts'
import type { CreateContext } from './context.ts'
import type { MountOptions } from './mount-options.ts'
import { SLOT } from './slots.ts'
import type { Step } from './steps.ts'

/** A mount of type `cgroup`, taken apart. */
export interface CgroupMount {
  target: string
  source: string
  options: MountOptions
  from: string
}

/** The kernel forbids a cgroup mount in a user namespace without a cgroup namespace, or over one that is there. */
const FORBIDDEN: readonly number[] = [ERRNO.EPERM, ERRNO.EBUSY]
const { RDONLY, NOSUID, NODEV, NOEXEC } = MOUNT_ATTR

/**
 * Mounts the host's cgroups, whatever their version: a `cgroup2` filesystem, or (v1 and hybrid) a tmpfs with a mount for
 * each v1 hierarchy and links for those with several controllers. With a cgroup namespace the container sees its own
 * cgroup as the root; without one, on v1, just its own cgroups are bound. `ro` holds in every fallback.
 */
export function cgroupMount(ctx: CreateContext, mount: CgroupMount): Step[] {
  return ctx.host.cgroup.mode === 'v2' ? mountV2(ctx, mount) : mountV1(ctx, mount)
}

function ownNamespace(ctx: CreateContext): boolean {
  return (ctx.namespaces.own & CLONE.NEWCGROUP) !== 0
}

function mountV2(ctx: CreateContext, { target, source, options, from }: CgroupMount): Step[] {
  const unified = ctx.host.cgroup.v2?.mountpoint ?? '/sys/fs/cgroup'
  const own = ctx.input.cgroup?.location.v2?.dir
  const readonly = (options.set & RDONLY) !== 0
  // The whole tree, where the kernel can: nothing below may stay writable.
  const recursive = readonly && ctx.host.mountSetattr
  return [
    {
      op: 'mountFs',
      root: SLOT.root,
      target,
      fstype: 'cgroup2',
      source,
      data: options.data,
      attrs: options.set,
      propagation: options.propagation,
      ignore: FORBIDDEN,
      from,
    },
    {
      op: 'bind',
      root: SLOT.root,
      target,
      source: ownNamespace(ctx) && own ? own : unified,
      attrSet: options.set,
      attrClr: options.clear,
      recSet: recursive ? RDONLY : 0,
      propagation: options.propagation,
      ignore: [ERRNO.ENOENT],
      orElse: true,
      from,
    },
    // There is no such cgroup here: hide what may be there from a recursive bind of /sys.
    { op: 'maskPath', root: SLOT.root, path: target, label: ctx.linux.mountLabel, orElse: true, from },
  ]
}

function mountV1(ctx: CreateContext, { target, options, from }: CgroupMount): Step[] {
  const slot = ctx.mountSlot()
  const readonly = options.set & RDONLY
  const steps: Step[] = [
    {
      op: 'mountFs',
      root: SLOT.root,
      target,
      fstype: 'tmpfs',
      source: 'tmpfs',
      data: ctx.linux.mountLabel ? ['mode=755', `context=${ctx.linux.mountLabel}`] : ['mode=755'],
      attrs: NOSUID | NODEV | NOEXEC,
      propagation: options.propagation,
      to: slot,
      from,
    },
  ]
  const links: Step[] = []
  for (const hierarchy of ctx.host.cgroup.v1) {
    const name = posix.basename(hierarchy.mountpoint)
    steps.push(...mountHierarchy(ctx, hierarchy, `${target}/${name}`, options, from))
    if (!name.includes(',')) continue
    for (const controller of name.split(',')) {
      const path = `${target}/${controller}`
      links.push({
        op: 'symlink',
        dir: SLOT.root,
        path,
        target: name,
        inRoot: true,
        existOk: true,
        from,
      })
    }
  }
  steps.push(...links)
  if (readonly) {
    const attrs = { op: 'mountAttr', attrSet: RDONLY, from } as const
    steps.push(slot === undefined ? { ...attrs, root: SLOT.root, target } : { ...attrs, slot })
  }
  return steps
}

function mountHierarchy(
  ctx: CreateContext,
  hierarchy: V1Hierarchy,
  target: string,
  options: MountOptions,
  from: string,
): Step[] {
  const bind: Step = {
    op: 'bind',
    root: SLOT.root,
    target,
    source: containerCgroup(ctx, hierarchy),
    recursive: true,
    attrSet: options.set,
    attrClr: options.clear,
    propagation: options.propagation,
    from,
  }
  if (!ownNamespace(ctx)) return [bind]
  return [
    {
      op: 'mountFs',
      root: SLOT.root,
      target,
      fstype: 'cgroup',
      source: hierarchy.name ?? 'cgroup',
      data: hierarchy.name ? [`name=${hierarchy.name}`] : hierarchy.controllers,
      attrs: NOSUID | NODEV | NOEXEC | (options.set & RDONLY),
      ignore: FORBIDDEN,
      from,
    },
    { ...bind, orElse: true },
  ]
}

/** The container's directory in a hierarchy: its own cgroup, or that of the caller where it has none. */
function containerCgroup(ctx: CreateContext, { mountpoint, own }: V1Hierarchy): string {
  const made = ctx.input.cgroup?.location.v1.find((entry) => entry.mountpoint === mountpoint)
  return made?.dir ?? posix.join(mountpoint, own)
}
