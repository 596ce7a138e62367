import { posix } from 'node:path'
import type { Mount } from '../../types/index.ts'
import { cgroupMount } from './cgroup-mount.ts'
import { MOUNT_ATTR, MS } from './constants.ts'
import { type CreateContext, cleanPath, invalid, unsupported } from './context.ts'
import {
  type MountOptions,
  msFlags,
  readMountOptions,
  sbFlagNames,
  unnamedAttributes,
} from './mount-options.ts'
import { SLOT } from './slots.ts'
import { sourcePath } from './staging.ts'
import type { Step } from './steps.ts'

/** What may be mounted inside /proc: the files that lxcfs imitates. */
const ALLOWED_IN_PROC: ReadonlySet<string> = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
])

/** One mount of the config, checked and taken apart. */
interface Entry {
  mount: Mount
  options: MountOptions
  target: string
  from: string
}

/** The steps that make `mounts`, in their order. What must wait until the end (read-only tmpfs) goes to `ctx.late`. */
export function mountSteps(ctx: CreateContext): Step[] {
  const mounts = ctx.config.mounts ?? []
  if (mounts.length > 0 && !ctx.mountNs) {
    throw unsupported(
      '/mounts',
      'Mounts need a mount namespace',
      'Add a namespace of type "mount": without one the mounts would be made on the host.',
    )
  }
  const steps: Step[] = []
  for (const [index, mount] of mounts.entries()) steps.push(...mountStep(ctx, readEntry(mount, index)))
  return steps
}

/** Whether a mount gives the container the host's devices: then none are made in it. */
export function bindsDev(mounts: readonly Mount[] = []): boolean {
  return mounts.some(
    ({ destination, options }) =>
      cleanPath(destination) === '/dev' && options?.some((option) => option === 'bind' || option === 'rbind'),
  )
}

function readEntry(mount: Mount, index: number): Entry {
  const from = `/mounts/${index}`
  const entry = {
    mount,
    options: readMountOptions(mount.options ?? []),
    target: cleanPath(mount.destination),
    from,
  }
  check(entry)
  return entry
}

function check({ mount, options, target, from }: Entry): void {
  if (target === '/') throw invalid(`${from}/destination`, 'Nothing can be mounted over the root')
  if (options.idmap >= 0 || mount.uidMappings?.length || mount.gidMappings?.length) {
    const path = options.idmap >= 0 ? `${from}/options/${options.idmap}` : `${from}/uidMappings`
    throw unsupported(path, 'Mounts with id mappings are not implemented yet')
  }
  if (!options.bind && !options.remount && !mount.type) {
    throw invalid(`${from}/type`, 'A mount that is no bind mount needs a type')
  }
  checkProc(target, mount, options, from)
}

/** Whatever covers a part of /proc could redirect what is written there. */
function checkProc(target: string, mount: Mount, options: MountOptions, from: string): void {
  if (target === '/proc') {
    if (options.bind || options.remount || mount.type === 'proc') return
    throw invalid(`${from}/type`, `Only proc can be mounted on /proc, not "${mount.type}"`)
  }
  if (target.startsWith('/proc/') && !ALLOWED_IN_PROC.has(target)) {
    throw invalid(`${from}/destination`, `Nothing can be mounted on ${target}: it is inside /proc`)
  }
}

function mountStep(ctx: CreateContext, entry: Entry): Step[] {
  checkKernel(ctx, entry)
  if (entry.options.remount) return [remount(entry)]
  if (entry.options.bind) return [bind(ctx, entry)]
  if (entry.mount.type === 'cgroup') {
    const { mount, options, target, from } = entry
    return cgroupMount(ctx, { target, source: mount.source || 'cgroup', options, from })
  }
  return mountFilesystem(ctx, entry)
}

function checkKernel(ctx: CreateContext, { mount, options, from }: Entry): void {
  if (!(options.recSet | options.recClear) || ctx.host.mountSetattr) return
  const index = mount.options?.findIndex((option) => {
    const { recSet, recClear } = readMountOptions([option])
    return (recSet | recClear) !== 0
  })
  throw unsupported(
    `${from}/options/${index}`,
    `The option "${mount.options?.[index ?? 0]}" needs mount_setattr(2), which came with Linux 5.12`,
  )
}

function bind(ctx: CreateContext, { mount, options, target, from }: Entry): Step {
  const { recursive } = options
  const path = posix.resolve(ctx.input.bundle, mount.source ?? '')
  return {
    op: 'bind',
    root: SLOT.root,
    target,
    source: sourcePath(ctx, { path, recursive, from: `${from}/source` }),
    recursive,
    attrSet: options.set,
    attrClr: options.clear,
    attrSoft: unnamedAttributes(options),
    recSet: options.recSet,
    recClr: options.recClear,
    propagation: options.propagation,
    mustBe: target === '/proc' ? 'proc' : undefined,
    from,
  }
}

function remount({ options, target, from }: Entry): Step {
  const common = { op: 'mountAttr', root: SLOT.root, target, propagation: options.propagation, from } as const
  if (options.bind) {
    return {
      ...common,
      attrSet: options.set | options.recSet,
      attrClr: options.clear | options.recClear,
      attrSoft: unnamedAttributes(options),
      recursive: (options.recSet | options.recClear) !== 0,
    }
  }
  return { ...common, sb: true, flags: msFlags(options), data: options.data.join(',') || undefined }
}

function mountFilesystem(ctx: CreateContext, { mount, options, target, from }: Entry): Step[] {
  const type = mount.type ?? ''
  const tmpfs = type === 'tmpfs'
  // Devices go into /dev, and a tmpfs may get mountpoints: these turn read-only at the end.
  const late = (options.set & MOUNT_ATTR.RDONLY) !== 0 && (tmpfs || target === '/dev')
  const attrs = late ? options.set & ~MOUNT_ATTR.RDONLY : options.set
  const sb = late ? options.sb & ~MS.RDONLY : options.sb
  const slot = late || options.recSet | options.recClear ? ctx.mountSlot() : undefined
  const place = slot === undefined ? { root: SLOT.root, target } : { slot }
  const data = [...options.data]
  const label = ctx.linux.mountLabel
  if (label && type !== 'proc' && type !== 'sysfs' && type !== 'mqueue') data.push(`context=${label}`)
  const steps: Step[] = [
    {
      op: 'mountFs',
      root: SLOT.root,
      target,
      fstype: type,
      source: mount.source || type,
      sbFlags: sbFlagNames(sb),
      data,
      attrs,
      realDir: type === 'proc' || type === 'sysfs',
      inheritMode: tmpfs && !options.data.some((option) => option.startsWith('mode=')),
      copyUp: options.tmpcopyup && tmpfs,
      propagation: options.propagation,
      to: slot,
      label: type === 'mqueue' ? label : undefined,
      from,
    },
  ]
  if (options.recSet | options.recClear) {
    steps.push({
      op: 'mountAttr',
      ...place,
      attrSet: options.recSet,
      attrClr: options.recClear,
      recursive: true,
      from,
    })
  }
  if (late) ctx.late.push({ op: 'mountAttr', ...place, attrSet: MOUNT_ATTR.RDONLY, from })
  return steps
}
