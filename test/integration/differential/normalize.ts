import { readlinkSync } from 'node:fs'
import type { ProbedMount, ProbeReport } from '../../harness/probe.ts'

/** Values of a report by their paths (`ids.uid`, `mounts./proc.options`), as JSON. */
export type Values = Record<string, string>

/**
 * A report as a flat table, without what differs between any two runs: numbers of namespaces, devices, inodes; the
 * bundle's path; the container's id; how a path is masked, which the specification leaves open.
 *
 * @param outside links to the namespaces of a process outside, or empty
 */
export function normalize(report: ProbeReport, bundle: string, id: string, outside: string): Values {
  const values: Values = {}
  const namespaces = Object.entries(report.namespaces).map(([name, link]) => [
    name,
    whose(name, link, outside),
  ])
  const plain = {
    ...report,
    namespaces: Object.fromEntries(namespaces),
    mounts: Object.fromEntries(mountEntries(report.mounts ?? [])),
    // What is behind the standard streams is the caller's choice.
    fds: report.fds.map((fd) => (fd.fd > 2 ? fd : { fd: fd.fd, tty: fd.tty })),
  }
  const base = bundle.slice(bundle.lastIndexOf('/'))
  const text = JSON.stringify(plain)
    .replaceAll(bundle, 'BUNDLE')
    .replaceAll(base, '/BUNDLE')
    .replaceAll(id, 'ID')
  flatten(JSON.parse(text), '', values)
  return values
}

/** Whether a namespace is the caller's, the one of the process outside, or the container's own. */
function whose(name: string, link: string | null, outside: string): string | null {
  if (!link) return null
  if (link === readlinkSync(`/proc/self/ns/${name}`)) return 'host'
  if (!outside) return 'own'
  // A process that makes a pid or time namespace is not in it: its children are.
  const place = name === 'pid' || name === 'time' ? `${name}_for_children` : name
  return link === readlinkSync(`${outside}/${place}`) ? 'joined' : 'own'
}

function mountEntries(mounts: readonly ProbedMount[]): [string, object | string][] {
  const times = new Map<string, number>()
  return mounts.map((mount) => {
    const count = (times.get(mount.mountpoint) ?? 0) + 1
    times.set(mount.mountpoint, count)
    const { mountpoint, device: _, ...rest } = mount
    return [count > 1 ? `${mountpoint}#${count}` : mountpoint, mask(mount) ?? rest]
  })
}

/** runc binds its own null device or mounts a tmpfs, crun binds the host's and a directory of its state. */
function mask({ mountpoint, root, superOptions }: ProbedMount): string | undefined {
  if (!/^\/(proc|sys|masked)\//.test(mountpoint)) return
  if (root === '/null') return 'masked file'
  if (root.endsWith('/.empty-directory') || superOptions.includes('nr_inodes=1')) return 'masked directory'
  return
}

function flatten(value: unknown, path: string, into: Values): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) flatten(inner, path ? `${path}.${key}` : key, into)
  } else into[path] = JSON.stringify(value)
}

/** The paths at which two reports differ, with our value and theirs. */
export function differences(ours: Values, theirs: Values): Record<string, (string | undefined)[]> {
  const paths = new Set([...Object.keys(ours), ...Object.keys(theirs)])
  return Object.fromEntries(
    [...paths]
      .filter((path) => ours[path] !== theirs[path])
      .map((path) => [path, [ours[path], theirs[path]]]),
  )
}
