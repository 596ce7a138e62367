import type { CreateContext } from './context.ts'
import { SLOT } from './slots.ts'
import type { Step } from './steps.ts'

/** Something on the host that is to be mounted in the container. */
export interface HostSource {
  path: string
  /** With the mounts below it. */
  recursive?: boolean
  from: string
}

/**
 * The path by which a step of the container's mount namespace reaches something on the host. Where the root of its user
 * namespace may not reach it, that is staged before, and the path counts from the working directory.
 */
export function sourcePath(ctx: CreateContext, { path, recursive, from }: HostSource): string {
  const tree = ctx.staged ? ctx.mountSlot() : undefined
  if (tree === undefined) return path
  const name = `.oci-${tree}`
  const open: Step = { op: 'openTree', to: tree, path, from }
  ctx.early.push(recursive ? { ...open, recursive } : open)
  ctx.stage.push({ op: 'stageTree', root: SLOT.root, tree, name, from })
  return name
}
