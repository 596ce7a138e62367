import type { Config } from '../../types/index.ts'
import type { Step } from '../plan/steps.ts'
import { ERRNO, FORBIDDEN } from './constants.ts'

/** What a delegated cgroup's owner gets where the kernel has no /sys/kernel/cgroup/delegate. */
export const DELEGATED_FILES: readonly string[] = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']

/** chown(2) leaves the group alone. */
const SAME = 0xffff_ffff

/**
 * The uid on the host that a container's v2 cgroup is given to, or null: it stays the caller's. It is the user of the
 * process, if the container has a cgroup namespace of its own and a writable /sys/fs/cgroup (runtime-linux: "Cgroup
 * ownership").
 */
export function delegatedUid(config: Config): number | null {
  const namespaces = config.linux?.namespaces ?? []
  if (!namespaces.some(({ type, path }) => type === 'cgroup' && !path)) return null
  const writable = (config.mounts ?? []).some(
    ({ source, destination, options }) =>
      source === 'cgroup' && destination.replace(/\/+$/, '') === '/sys/fs/cgroup' && !options?.includes('ro'),
  )
  if (!writable) return null
  const uid = config.process?.user?.uid ?? 0
  if (!namespaces.some(({ type, path }) => type === 'user' && !path)) return uid
  for (const { containerID, hostID, size } of config.linux?.uidMappings ?? []) {
    if (uid >= containerID && uid < containerID + size) return hostID + uid - containerID
  }
  return null
}

/**
 * Gives a v2 cgroup away: its directory and the listed files, as far as they exist.
 *
 * @param optional whoever may not give it away keeps it
 */
export function delegationSteps(
  dir: string,
  { uid, files }: { uid: number; files: readonly string[] },
  optional: boolean,
): Step[] {
  const names = files.length > 0 ? files : DELEGATED_FILES
  const forbidden = optional ? FORBIDDEN : []
  return [
    { op: 'chown', path: dir, uid, gid: SAME, ...(optional ? { ignore: [ERRNO.ENOENT, ...FORBIDDEN] } : {}) },
    ...names
      .filter((name) => /^[^/]+$/.test(name))
      .map((name): Step => {
        return { op: 'chown', path: `${dir}/${name}`, uid, gid: SAME, ignore: [ERRNO.ENOENT, ...forbidden] }
      }),
  ]
}
