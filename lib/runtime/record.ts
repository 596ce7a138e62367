import type { Annotations, Config } from '../../types/index.ts'
import type { CgroupLocation } from '../cgroup/types.ts'
import { formatJson } from '../config/format.ts'
import { parseJson } from '../config/json.ts'
import { OciError } from '../errors.ts'

/** Version of state.json's form. */
export const RECORD_VERSION = 1

/** What the process's tail depends on beside the config. */
export interface StartFacts {
  /** Index of the tail in init's plan; -1: the config has no process. */
  tail: number
  /** How many fds the process keeps as 3, 4, … */
  preserveFds: number
  /** Set LISTEN_PID. */
  listenPid: boolean
  /** setgroups(2) is denied in the container's user namespace. */
  setgroupsDenied: boolean
}

/**
 * What state.json says of a container. It is written before anything else of the container is made (with `pid` 0), and
 * again when the container is created.
 */
export interface ContainerRecord {
  version: number
  id: string
  /** Absolute path of the bundle. */
  bundle: string
  /** Absolute path of the root filesystem. */
  rootfs: string
  /** Pid on the host; 0 while it is being created. */
  pid: number
  /** Start time of that pid, field 22 of /proc/PID/stat. */
  startTime: number
  /** When it was created, RFC 3339. */
  created: string
  /** Name of the user who created it, or ''. */
  owner: string
  /** Uid of the user who created it. */
  uid: number
  /** Its cgroup (mode `disabled`: none). */
  cgroup: CgroupLocation
  annotations: Annotations
  /** What a later start or exec must know of the create. */
  start: StartFacts
  /** The frozen config, without losses. */
  config: Config
}

/** Everything but the config, which is kept as text since it is large and never changes. */
export type RecordHead = Omit<ContainerRecord, 'config'>

/** A value as JSON on one line, without losses. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    // A bigint; or a value that is no JSON, which this one says better.
    return formatJson(value, '')
  }
}

/** The bytes of state.json. */
export function encodeRecord(head: RecordHead, configText: string): Uint8Array {
  return Buffer.from(`${JSON.stringify(head).slice(0, -1)},"config":${configText}}\n`)
}

/**
 * Reads the text of a state.json and checks what later becomes paths, pids and signals.
 *
 * @throws `ERR_OCI_STATE` if it was not written by this version of oci-ts
 */
export function decodeRecord(text: string, id: string): ContainerRecord {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (cause) {
    throw damaged(id, 'it is no JSON', cause)
  }
  if (!isObject(value)) throw damaged(id, 'it is no object')
  const { version, pid, startTime, uid } = value
  if (version !== RECORD_VERSION)
    throw damaged(id, `its version is ${String(version)}, not ${RECORD_VERSION}`)
  if (value.id !== id) throw damaged(id, 'it is of another container')
  for (const [name, number] of Object.entries({ pid, startTime, uid })) {
    if (!Number.isSafeInteger(number) || (number as number) < 0) throw damaged(id, `${name} is no count`)
  }
  for (const name of ['bundle', 'rootfs']) {
    if (!isAbsolute(value[name])) throw damaged(id, `${name} is no absolute path`)
  }
  for (const name of ['created', 'owner'])
    if (typeof value[name] !== 'string') throw damaged(id, `${name} is no text`)
  for (const name of ['config', 'annotations', 'start'])
    if (!isObject(value[name])) throw damaged(id, `${name} is no object`)
  if (!isLocation(value.cgroup)) throw damaged(id, 'cgroup is no location')
  return value as unknown as ContainerRecord
}

function damaged(id: string, why: string, cause?: unknown): OciError {
  return new OciError('ERR_OCI_STATE', `the state of container ${id} can’t be used: ${why}`, {
    containerId: id,
    cause,
    hint: 'delete it by force',
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAbsolute(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/') && !value.includes('\0')
}

/** Directories that will be removed: absolute, without `..`, and below their mountpoint. */
function isLocation(value: unknown): boolean {
  if (!isObject(value) || !Array.isArray(value.v1)) return false
  const dirs: unknown[] = [...value.v1]
  if (value.v2 !== null) dirs.push(value.v2)
  return dirs.every((entry) => {
    if (!isObject(entry) || !isAbsolute(entry.dir) || !isAbsolute(entry.mountpoint)) return false
    const dir = entry.dir as string
    return dir.startsWith(`${entry.mountpoint as string}/`) && !dir.split('/').includes('..')
  })
}
