import { MOUNT_ATTR, MS } from './constants.ts'

/** What the options of one mount come to. */
export interface MountOptions {
  bind: boolean
  /** `rbind`. */
  recursive: boolean
  remount: boolean
  /** MOUNT_ATTR_* of the mount itself: to set, and to clear. Where an access time is in one, ATIME is in `clear`. */
  set: number
  clear: number
  /** The same for the whole tree (`rro`, `rnosuid`, …). */
  recSet: number
  recClear: number
  /** Flags of the superblock as MS_*: RDONLY, SYNCHRONOUS, DIRSYNC, MANDLOCK, LAZYTIME, I_VERSION, SILENT. */
  sb: number
  /** Propagation as MS_* (with REC), in the order of the options: each needs a call of its own. */
  propagation: number[]
  /** What belongs to the filesystem, in order. */
  data: string[]
  tmpcopyup: boolean
  /** Place of `idmap` or `ridmap` in the list of options, or -1. */
  idmap: number
}

type Effect =
  | { kind: 'attr' | 'rec'; set: number; clear: number; sb: number }
  | { kind: 'sb'; set: number; clear: number }
  | { kind: 'propagation'; flags: number }
  | { kind: 'bind' | 'rbind' | 'remount' | 'copyUp' | 'idmap' | 'none' }

const { RDONLY, NOSUID, NODEV, NOEXEC, NOATIME, STRICTATIME, NODIRATIME, NOSYMFOLLOW, ATIME } = MOUNT_ATTR

/** Attributes by the name that sets them and the one that clears them; each has a recursive form with `r` before. */
const ATTRIBUTES: readonly [name: string, set: number, clear: number][] = [
  ['ro', RDONLY, 0],
  ['rw', 0, RDONLY],
  ['nosuid', NOSUID, 0],
  ['suid', 0, NOSUID],
  ['nodev', NODEV, 0],
  ['dev', 0, NODEV],
  ['noexec', NOEXEC, 0],
  ['exec', 0, NOEXEC],
  ['nosymfollow', NOSYMFOLLOW, 0],
  ['symfollow', 0, NOSYMFOLLOW],
  ['nodiratime', NODIRATIME, 0],
  ['diratime', 0, NODIRATIME],
  // The kernel knows one of three; relatime is the one without a bit.
  ['noatime', NOATIME, STRICTATIME],
  ['atime', 0, NOATIME],
  ['strictatime', STRICTATIME, NOATIME],
  ['nostrictatime', 0, STRICTATIME],
  ['relatime', 0, NOATIME | STRICTATIME],
  ['norelatime', 0, 0],
]

const SUPERBLOCK: readonly [name: string, set: number, clear: number][] = [
  ['sync', MS.SYNCHRONOUS, 0],
  ['async', 0, MS.SYNCHRONOUS],
  ['dirsync', MS.DIRSYNC, 0],
  ['lazytime', MS.LAZYTIME, 0],
  ['nolazytime', 0, MS.LAZYTIME],
  ['mand', MS.MANDLOCK, 0],
  ['nomand', 0, MS.MANDLOCK],
  ['iversion', MS.I_VERSION, 0],
  ['noiversion', 0, MS.I_VERSION],
  ['silent', MS.SILENT, 0],
  ['loud', 0, MS.SILENT],
]

const PROPAGATION: readonly [name: string, flags: number][] = [
  ['private', MS.PRIVATE],
  ['shared', MS.SHARED],
  ['slave', MS.SLAVE],
  ['unbindable', MS.UNBINDABLE],
]

const TABLE = new Map<string, Effect>([
  ['defaults', { kind: 'none' }],
  ['bind', { kind: 'bind' }],
  ['rbind', { kind: 'rbind' }],
  ['remount', { kind: 'remount' }],
  ['tmpcopyup', { kind: 'copyUp' }],
  ['idmap', { kind: 'idmap' }],
  ['ridmap', { kind: 'idmap' }],
])
for (const [name, set, clear] of ATTRIBUTES) {
  TABLE.set(name, { kind: 'attr', set, clear, sb: (set | clear) & RDONLY ? MS.RDONLY : 0 })
  TABLE.set(`r${name}`, { kind: 'rec', set, clear, sb: 0 })
}
for (const [name, set, clear] of SUPERBLOCK) TABLE.set(name, { kind: 'sb', set, clear })
for (const [name, flags] of PROPAGATION) {
  TABLE.set(name, { kind: 'propagation', flags })
  TABLE.set(`r${name}`, { kind: 'propagation', flags: flags | MS.REC })
}

/**
 * Every mount option that is known, sorted; those of single filesystems are not among them, nor are `idmap` and
 * `ridmap`, which `features` reports elsewhere.
 */
export const MOUNT_OPTIONS: readonly string[] = [...TABLE]
  .filter(([, effect]) => effect.kind !== 'idmap')
  .map(([name]) => name)
  .sort()

/** Reads a list of mount options. Of two that contradict each other the later one counts. */
export function readMountOptions(options: readonly string[]): MountOptions {
  const out: MountOptions = {
    bind: false,
    recursive: false,
    remount: false,
    set: 0,
    clear: 0,
    recSet: 0,
    recClear: 0,
    sb: 0,
    propagation: [],
    data: [],
    tmpcopyup: false,
    idmap: -1,
  }
  for (const [index, option] of options.entries()) apply(out, option, index)
  if ((out.set | out.clear) & ATIME) out.clear |= ATIME
  if ((out.recSet | out.recClear) & ATIME) out.recClear |= ATIME
  return out
}

function apply(out: MountOptions, option: string, index: number): void {
  const effect = TABLE.get(option)
  switch (effect?.kind) {
    case undefined:
      if (option === '') break
      out.data.push(option)
      break
    case 'attr':
      out.set = (out.set & ~effect.clear) | effect.set
      out.clear = (out.clear & ~effect.set) | effect.clear
      if (effect.sb) out.sb = effect.set ? out.sb | effect.sb : out.sb & ~effect.sb
      break
    case 'rec':
      out.recSet = (out.recSet & ~effect.clear) | effect.set
      out.recClear = (out.recClear & ~effect.set) | effect.clear
      break
    case 'sb':
      out.sb = (out.sb & ~effect.clear) | effect.set
      break
    case 'propagation':
      out.propagation.push(effect.flags)
      break
    case 'bind':
    case 'rbind':
      out.bind = true
      out.recursive ||= effect.kind === 'rbind'
      break
    case 'remount':
      out.remount = true
      break
    case 'copyUp':
      out.tmpcopyup = true
      break
    case 'idmap':
      out.idmap = index
      break
    case 'none':
      break
  }
}

/**
 * What a bind mount with options loses beside what they clear: like a bind remount of mount(2) they say all that shall
 * hold, while one without any keeps what the source's mount has.
 */
export function unnamedAttributes({ set, clear, sb, recSet, recClear }: MountOptions): number {
  if ((set | clear | sb) === 0) return 0
  return (RDONLY | NOSUID | NODEV | NOEXEC) & ~(set | clear | recSet | recClear)
}

const SB_NAMES: readonly [flag: number, name: string][] = [
  [MS.RDONLY, 'ro'],
  [MS.SYNCHRONOUS, 'sync'],
  [MS.DIRSYNC, 'dirsync'],
  [MS.MANDLOCK, 'mand'],
  [MS.LAZYTIME, 'lazytime'],
  [MS.I_VERSION, 'iversion'],
]

/** The superblock flags of a new filesystem, by their names. */
export function sbFlagNames(sb: number): string[] {
  const names: string[] = []
  for (const [flag, name] of SB_NAMES) if (sb & flag) names.push(name)
  return names
}

const ATTR_TO_MS: readonly [attr: number, ms: number][] = [
  [RDONLY, MS.RDONLY],
  [NOSUID, MS.NOSUID],
  [NODEV, MS.NODEV],
  [NOEXEC, MS.NOEXEC],
  [NODIRATIME, MS.NODIRATIME],
  [NOSYMFOLLOW, MS.NOSYMFOLLOW],
  [NOATIME, MS.NOATIME],
  [STRICTATIME, MS.STRICTATIME],
]

/** The options of a mount as flags of mount(2): for a remount, which sets them all at once. */
export function msFlags(options: Pick<MountOptions, 'set' | 'sb'>): number {
  let flags = options.sb
  for (const [attr, ms] of ATTR_TO_MS) if (options.set & attr) flags |= ms
  return flags
}
