import type { Device } from '../../types/index.ts'
import { S_IFMT } from './constants.ts'
import { type CreateContext, cleanPath, invalid, unsupported } from './context.ts'
import { bindsDev } from './mounts.ts'
import { SLOT } from './slots.ts'
import { sourcePath } from './staging.ts'
import type { Step } from './steps.ts'

/** The devices that every container has (config-linux.md). They belong to root and are open to all. */
const DEFAULT_DEVICES: readonly (Device & { major: number; minor: number })[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0 },
]

/** Links that every container has (runtime-linux.md). */
const LINKS: readonly [path: string, target: string][] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
]

const FILE_TYPE: Readonly<Record<string, number>> = {
  c: S_IFMT.CHR,
  u: S_IFMT.CHR,
  b: S_IFMT.BLK,
  p: S_IFMT.FIFO,
}

/**
 * Device nodes and links. Nothing is made where `/dev` is a bind mount: it is the host's. In a user namespace, where
 * mknod(2) is forbidden, the host's nodes are bound.
 */
export function deviceSteps(ctx: CreateContext): Step[] {
  const listed = ctx.linux.devices ?? []
  if (bindsDev(ctx.config.mounts)) return []
  const bind = ctx.userNs || !ctx.host.initialUserNamespace
  const steps: Step[] = []
  const taken = new Set(listed.map(({ path }) => cleanPath(path)))
  if (bind && !ctx.mountNs) {
    const path = '/linux/namespaces'
    ctx.warnings.push({
      path,
      message: 'Without a mount namespace a user namespace has only the devices of its root directory',
    })
  } else {
    for (const device of DEFAULT_DEVICES) {
      if (!taken.has(device.path)) steps.push(deviceStep(ctx, device, bind, ''))
    }
  }
  for (const [index, device] of listed.entries()) {
    // It is always the container's own: see below.
    if (cleanPath(device.path) === '/dev/ptmx') continue
    steps.push(deviceStep(ctx, device, bind, `/linux/devices/${index}`))
  }
  steps.push(...linkSteps(ctx))
  return steps
}

function deviceStep(ctx: CreateContext, device: Device, bind: boolean, from: string): Step {
  const path = cleanPath(device.path)
  const fileType = FILE_TYPE[device.type]
  if (fileType === undefined) {
    throw invalid(`${from}/type`, `Expected a type of device (c, u, b, p), got "${device.type}"`)
  }
  const mode = fileType | ((device.fileMode ?? 0o666) & 0o7777)
  const major = device.major ?? 0
  const minor = device.minor ?? 0
  if (!bind || device.type === 'p') {
    const { uid = 0, gid = 0 } = device
    return { op: 'device', root: SLOT.root, path, mode, major, minor, uid, gid, from }
  }
  if (!ctx.mountNs) {
    throw unsupported(from, 'A device in a user namespace needs a mount namespace, to be bound from the host')
  }
  // Where the host has the default ones everybody may go.
  const source = from ? sourcePath(ctx, { path, from }) : path
  return { op: 'bindDevice', root: SLOT.root, path, source, mode, major, minor, from }
}

function linkSteps(ctx: CreateContext): Step[] {
  const hasProc = ctx.config.mounts?.some(({ destination }) => cleanPath(destination) === '/proc')
  const link = { op: 'symlink', dir: SLOT.root, inRoot: true, existOk: true } as const
  const steps: Step[] = LINKS.map(([path, target]) => ({
    ...link,
    path,
    target,
    // Without a /proc of the config, the root directory itself may still hold one.
    ifExists: hasProc ? undefined : '/proc/self/fd',
  }))
  steps.push({ ...link, path: '/dev/core', target: '/proc/kcore', ifExists: '/proc/kcore' })
  // The root of the host keeps its own.
  const replace = ctx.rootfs !== '/'
  steps.push({ ...link, path: '/dev/ptmx', target: 'pts/ptmx', existOk: !replace, replace })
  return steps
}
