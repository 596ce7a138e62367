import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { State, Status } from '../../types/index.ts'
import type { CgroupLocation } from '../cgroup/types.ts'
import { INIT_COMM } from '../plan/messages.ts'
import { isLocked } from './lock.ts'
import { liveStat } from './proc.ts'
import type { ContainerRecord } from './record.ts'
import { START_SOCKET, stateDir } from './store.ts'

/** Version of the runtime-spec that oci-ts complies with. */
export const SPEC_VERSION = '1.3.0'

/** A container's state, with what runc and crun add to the spec's. */
export interface ContainerState extends State {
  /** 0 when it is stopped. */
  pid: number
  /** Absolute path of the root filesystem. */
  rootfs: string
  /** When it was created, RFC 3339. */
  created: string
  /** Name of the user who created it, or ''. */
  owner: string
}

/** What the status depends on. */
export type StatusSource = Pick<ContainerRecord, 'id' | 'pid' | 'startTime' | 'cgroup'>

/**
 * What a container is doing, found out from the kernel: a zombie is stopped, an init that has not executed its program
 * is created. A container without a pid is not covered: see `currentStatus`.
 */
export function liveStatus(root: string, record: StatusSource): Exclude<Status, 'creating'> {
  const stat = liveStat(record.pid, record.startTime)
  if (stat === null) return 'stopped'
  // A running process may give itself any name, but start.sock is removed by the start.
  if (stat.comm === INIT_COMM && existsSync(join(stateDir(root, record.id), START_SOCKET))) return 'created'
  return isFrozen(record.cgroup) ? 'paused' : 'running'
}

/** As `liveStatus`; a record without a pid is `creating` as long as its creator lives (it holds the lock). */
export async function currentStatus(root: string, record: StatusSource): Promise<Status> {
  if (record.pid !== 0) return liveStatus(root, record)
  return (await isLocked(root, record.id)) ? 'creating' : 'stopped'
}

/** Whether the cgroup's processes are frozen. */
export function isFrozen(cgroup: CgroupLocation | null): boolean {
  const file = freezerFile(cgroup)
  if (file === null) return false
  try {
    const text = readFileSync(file, 'latin1')
    return file.endsWith('/cgroup.events') ? /^frozen 1$/m.test(text) : text.startsWith('FROZEN')
  } catch {
    return false
  }
}

/** The file that tells whether a cgroup is frozen. */
function freezerFile(cgroup: CgroupLocation | null): string | null {
  if (cgroup === null) return null
  const freezer = cgroup.v1.find(({ controllers }) => controllers.includes('freezer'))
  if (freezer !== undefined) return `${freezer.dir}/freezer.state`
  return cgroup.v2 === null ? null : `${cgroup.v2.dir}/cgroup.events`
}

/** The state object of the runtime-spec. */
export function stateOf(record: ContainerRecord, status: Status): ContainerState {
  const { id, pid, bundle, rootfs, created, owner, annotations } = record
  return {
    ociVersion: SPEC_VERSION,
    id,
    status,
    pid: status === 'stopped' ? 0 : pid,
    bundle,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    rootfs,
    created,
    owner,
  }
}
