import { posix } from 'node:path'
import type { CgroupLayout, V1Hierarchy } from './types.ts'

/** Texts of the host that tell how its cgroups are mounted. */
export interface LayoutSource {
  /** /proc/self/mountinfo. */
  mountinfo: string
  /** /proc/self/cgroup. */
  selfCgroup: string
  /** Whether the filesystem at /sys/fs/cgroup is cgroup2 (statfs(2)): then v1 hierarchies elsewhere don't count. */
  cgroup2: boolean
  /** cgroup.controllers at the root of the v2 hierarchy; may come later, by `withControllers`. */
  controllers?: string
}

interface Mount {
  mountpoint: string
  root: string
  type: string
  options: readonly string[]
}

const STANDARD = '/sys/fs/cgroup'

/** How this host's cgroups are mounted, from the kernel's texts. */
export function parseLayout({ mountinfo, selfCgroup, cgroup2, controllers }: LayoutSource): CgroupLayout {
  const mounts = cgroupMounts(mountinfo)
  const own = ownCgroups(selfCgroup)
  const unified = preferred(mounts.filter(({ type }) => type === 'cgroup2'))
  const v2 = unified && {
    mountpoint: unified.mountpoint,
    own: relativeTo(unified.root, own.get('') ?? '/'),
    controllers: words(controllers ?? ''),
  }
  const v1 = cgroup2 ? [] : v1Hierarchies(mounts, own)
  const mode = v1.length > 0 ? (v2 ? 'hybrid' : 'v1') : v2 ? 'v2' : 'none'
  return { mode, v1, v2: v2 ?? null }
}

/** The file that `withControllers` wants the text of, or null: this host has no cgroup v2. */
export function controllersFile(layout: CgroupLayout): string | null {
  return layout.v2 && posix.join(layout.v2.mountpoint, 'cgroup.controllers')
}

/** The layout with the controllers that the text of `controllersFile` lists. */
export function withControllers(layout: CgroupLayout, text: string): CgroupLayout {
  return layout.v2 ? { ...layout, v2: { ...layout.v2, controllers: words(text) } } : layout
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean)
}

/** The cgroup mounts that can be seen: none that a later mount covers. */
function cgroupMounts(mountinfo: string): Mount[] {
  let visible: Mount[] = []
  for (const line of mountinfo.split('\n')) {
    const dash = line.indexOf(' - ')
    if (dash < 0) continue
    const [, , , root = '', at = ''] = line.slice(0, dash).split(' ')
    const mountpoint = decodePath(at)
    if (visible.length > 0) visible = visible.filter((mount) => !isBelow(mount.mountpoint, mountpoint))
    const [type = '', , options = ''] = line.slice(dash + 3).split(' ')
    if (type !== 'cgroup' && type !== 'cgroup2') continue
    visible.push({ mountpoint, root: decodePath(root), type, options: options.split(',') })
  }
  return visible
}

function isBelow(path: string, dir: string): boolean {
  // What is mounted on / afterwards is not what a path of this process leads through.
  return path === dir || (dir !== '/' && path.startsWith(`${dir}/`))
}

/** The kernel writes space, tab, newline and backslash of paths as three octal digits. */
function decodePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** Of several mounts of one hierarchy the one in the usual place. */
function preferred(mounts: readonly Mount[]): Mount | undefined {
  return mounts.find(({ mountpoint }) => isBelow(mountpoint, STANDARD)) ?? mounts[0]
}

/** The caller's cgroup by controller, by `name=…`, and for v2 by ''. */
function ownCgroups(text: string): Map<string, string> {
  const own = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line)
    for (const key of match?.[1]?.split(',') ?? []) own.set(key, match?.[2] ?? '/')
  }
  return own
}

function v1Hierarchies(mounts: readonly Mount[], own: ReadonlyMap<string, string>): V1Hierarchy[] {
  const byKey = new Map<string, Mount[]>()
  for (const mount of mounts) {
    if (mount.type !== 'cgroup') continue
    const key = mount.options.filter((option) => option !== '' && own.has(option)).join(',')
    if (key === '') continue
    byKey.set(key, [...(byKey.get(key) ?? []), mount])
  }
  return [...byKey].map(([key, same]) => {
    const { mountpoint, root, options } = preferred(same)!
    const parts = key.split(',')
    const name = parts.find((part) => part.startsWith('name='))?.slice('name='.length)
    return {
      controllers: parts.filter((part) => !part.startsWith('name=')),
      ...(name === undefined ? {} : { name }),
      mountpoint,
      own: relativeTo(root, own.get(parts[0]!)!),
      ...(options.includes('noprefix') ? { noPrefix: true } : {}),
    }
  })
}

/**
 * A cgroup's path below a mount that shows the hierarchy from `root` on. One outside of it (a container without a cgroup
 * namespace sees such) counts as the mount's root.
 */
function relativeTo(root: string, cgroup: string): string {
  if (cgroup.split('/').includes('..')) return '/'
  if (root === '/') return cgroup
  return isBelow(cgroup, root) ? cgroup.slice(root.length) || '/' : '/'
}
