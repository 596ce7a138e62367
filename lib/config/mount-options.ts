import type { Mount } from '../../types/index.ts'

const ATTRIBUTES = [
  ['ro', 'rw'],
  ['nosuid', 'suid'],
  ['nodev', 'dev'],
  ['noexec', 'exec'],
  ['nodiratime', 'diratime'],
  ['noatime', 'atime'],
  ['relatime', 'norelatime'],
  ['strictatime', 'nostrictatime'],
  ['nosymfollow', 'symfollow'],
].flat()

const PROPAGATION = ['private', 'shared', 'slave', 'unbindable']

/**
 * The mount options that are not the filesystem's own: those of config.md, which mean the same for every type. Sorted.
 */
export const MOUNT_OPTIONS: readonly string[] = Object.freeze(
  [
    ...ATTRIBUTES,
    ...ATTRIBUTES.map((name) => `r${name}`),
    ...PROPAGATION,
    ...PROPAGATION.map((name) => `r${name}`),
    ...['async', 'sync', 'dirsync', 'mand', 'nomand', 'lazytime', 'nolazytime', 'iversion', 'noiversion'],
    ...['silent', 'loud', 'bind', 'rbind', 'remount', 'defaults', 'tmpcopyup', 'idmap', 'ridmap'],
  ].sort(),
)

const KNOWN: ReadonlySet<string> = new Set(MOUNT_OPTIONS)

/** Whether an option is one of {@link MOUNT_OPTIONS}, rather than the filesystem's own (or a mistake). */
export function isMountOption(option: string): boolean {
  return KNOWN.has(option)
}

/** Whether a mount is a bind mount: its options say so, not its type. */
export function isBindMount(mount: Mount): boolean {
  return mount.options?.some((option) => option === 'bind' || option === 'rbind') ?? false
}
