import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { State, Status } from '../../types/index.ts'
import { frozenFile } from '../cgroup/operate.ts'
import type { CgroupLocation } from '../cgroup/types.ts'
import { INIT_COMM } from '../plan/messages.ts'
import { containerState } from '../plan/state.ts'
import { isLocked } from './lock.ts'
import { liveStat } from './proc.ts'
import type { ContainerRecord } from './record.ts'
import { readRecord, START_SOCKET, stateDir } from './store.ts'

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
 * is created. A container without a pid is not covered: see `currentSituation`.
 */
export function liveStatus(root: string, record: StatusSource): Exclude<Status, 'creating'> {
  const stat = liveStat(record.pid, record.startTime)
  if (stat === null) return 'stopped'
  if (isFrozen(record.cgroup)) return 'paused'
  // A running process may give itself any name, but start.sock is removed by the start.
  if (stat.comm === INIT_COMM && existsSync(join(stateDir(root, record.id), START_SOCKET))) return 'created'
  return 'running'
}

/** What is known of a container, and what it is doing. */
export interface Situation {
  record: ContainerRecord
  status: Status
}

/**
 * As `liveStatus`; a container without a pid is `creating` as long as its creator lives (it holds the lock).
 *
 * @returns null, or throws, as `readRecord`
 */
export async function currentSituation(root: string, id: string): Promise<Situation | null> {
  let record = await readRecord(root, id)
  if (record?.pid === 0) {
    if (await isLocked(root, id)) return { record, status: 'creating' }
    // It may have been created since.
    record = await readRecord(root, id)
  }
  if (record === null) return null
  return { record, status: record.pid === 0 ? 'stopped' : liveStatus(root, record) }
}

/** Whether the cgroup's processes are frozen. */
export function isFrozen(cgroup: CgroupLocation): boolean {
  const file = frozenFile(cgroup)
  if (file === null) return false
  try {
    return readFileSync(file, 'latin1').startsWith('1')
  } catch {
    return false
  }
}

/** The state object of the runtime-spec. */
export function stateOf(record: ContainerRecord, status: Status): ContainerState {
  const { pid, rootfs, created, owner } = record
  const livePid = status === 'stopped' ? 0 : pid
  return { ...containerState(record, status, livePid), pid: livePid, rootfs, created, owner }
}
