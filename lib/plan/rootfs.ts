import type { RootfsPropagation } from '../../types/index.ts'
import { MOUNT_ATTR, MS, O } from './constants.ts'
import { type CreateContext, invalid, unsupported } from './context.ts'
import { SLOT } from './slots.ts'
import { sourcePath } from './staging.ts'
import type { Step } from './steps.ts'

const PROPAGATION: Readonly<Record<RootfsPropagation, number>> = {
  private: MS.PRIVATE,
  shared: MS.SHARED,
  slave: MS.SLAVE,
  unbindable: MS.UNBINDABLE,
  rprivate: MS.PRIVATE | MS.REC,
  rshared: MS.SHARED | MS.REC,
  rslave: MS.SLAVE | MS.REC,
  runbindable: MS.UNBINDABLE | MS.REC,
}

const FROM = '/linux/rootfsPropagation'

/** Cuts the mounts off from the host's, and takes the root directory into {@link SLOT.root} as a mount of its own. */
export function enterRoot(ctx: CreateContext): Step[] {
  if (!ctx.mountNs) return []
  // Otherwise nothing that the host mounts next to the bundle later comes in, by the root or by a bind from there.
  const slave = (rootPropagation(ctx) & MS.SLAVE) !== 0
  const from = '/root/path'
  const flags = slave ? { slave } : {}
  const propagation = { op: 'propagation', path: '/', flags: towardsHost(ctx), from: FROM } as const
  const bind = { op: 'bindRoot', to: SLOT.root, path: ctx.rootfs, ...flags, from } as const
  if (!ctx.staged) return [propagation, bind]
  ctx.early.push({ ...propagation, flags: MS.SLAVE | MS.REC }, stagingPlace(ctx, bind))
  const path = sourcePath(ctx, { path: ctx.rootfs, recursive: true, from })
  // In the place of what is staged: hooks find the root where it was.
  return [propagation, { ...bind, path, ...(path === ctx.rootfs ? {} : { on: '.' }) }]
}

/** Takes into {@link SLOT.root} the directory that what is staged may cover. */
function stagingPlace({ rootfs, input }: CreateContext, bind: Step): Step {
  if (rootfs !== '/') return bind
  // The kernel takes a process whose `/` is covered for one in a chroot, and denies it a user namespace.
  return { op: 'open', to: SLOT.root, path: input.bundle, flags: O.PATH, from: '/root/path' }
}

/**
 * What the container's copies of the host's mounts are before anything is mounted. Shared mounts stay as they are, so
 * that volumes can be shared with the host; `unbindable` would forbid binding sources, and comes later.
 */
function towardsHost(ctx: CreateContext): number {
  const wanted = rootPropagation(ctx)
  if (wanted & MS.SHARED) return wanted
  return (wanted & MS.PRIVATE ? MS.PRIVATE : MS.SLAVE) | MS.REC
}

function rootPropagation({ linux }: CreateContext): number {
  const name = linux.rootfsPropagation
  if (!name) return 0
  const flags = PROPAGATION[name]
  if (flags === undefined) {
    throw invalid(FROM, `Expected one of ${Object.keys(PROPAGATION).join(', ')}, got "${name}"`)
  }
  return flags
}

/** Makes the root directory `/`: by pivot_root(2), by moving it there, or (without a mount namespace) by chroot(2). */
export function changeRoot(ctx: CreateContext): Step[] {
  const root = SLOT.root
  const from = '/root/path'
  if (!ctx.mountNs) return [{ op: 'chroot', root, from }]
  return [{ op: ctx.input.noPivot ? 'moveRoot' : 'pivotRoot', root, from }]
}

/**
 * Gives the root its propagation, once nothing is mounted any more: before, mounts would have shown on the host, or
 * could not have been bound.
 */
export function propagateRoot(ctx: CreateContext): Step[] {
  const flags = rootPropagation(ctx)
  if (!ctx.mountNs || !(flags & (MS.SHARED | MS.UNBINDABLE))) return []
  return [{ op: 'propagation', path: '/', flags, from: FROM }]
}

/** Makes the root filesystem read-only, when nothing is made in it any more. */
export function readonlyRoot(ctx: CreateContext): Step[] {
  if (!ctx.config.root.readonly) return []
  const from = '/root/readonly'
  if (!ctx.mountNs) {
    throw unsupported(from, 'A read-only root needs a mount namespace', 'Add a namespace of type "mount".')
  }
  return [{ op: 'mountAttr', slot: SLOT.root, attrSet: MOUNT_ATTR.RDONLY, from }]
}
