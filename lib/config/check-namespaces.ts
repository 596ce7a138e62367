import type { Config, IdMapping, Linux, NamespaceType, TimeOffset } from '../../types/index.ts'
import { checkIdMappings, isMapped } from './check-ids.ts'
import { byteLength, checkAbsolutePath } from './check-text.ts'
import { child } from './pointer.ts'
import { invalid, type OnWarning, Wording } from './problem.ts'

/** Longest host and domain name, in bytes (sethostname(2)). */
const LONGEST_NAME = 64

/** Farthest offset of a clock, in seconds (the kernel's KTIME_SEC_MAX). */
const FARTHEST_OFFSET = 9_223_372_036

const NOTHING = new Wording('none')

/** The namespaces of a container that are not the runtime's: by kind, the path to join, or `''` for a new one. */
export type NamespacePaths = ReadonlyMap<NamespaceType, string>

/** The rules for `linux.namespaces`: each kind once, paths absolute. */
export function checkNamespaces(linux: Linux | undefined): NamespacePaths {
  const paths = new Map<NamespaceType, string>()
  for (const [index, { type, path = '' }] of (linux?.namespaces ?? []).entries()) {
    const at = `/linux/namespaces/${index}`
    if (paths.has(type)) {
      throw invalid(`${at}/type`, 'each namespace once', new Wording(`a second ${type} namespace`))
    }
    if (path !== '') checkAbsolutePath(path, `${at}/path`)
    paths.set(type, path)
  }
  return paths
}

/** The rules for what needs a namespace of the container's own. */
export function checkOwnNamespaces(config: Config, namespaces: NamespacePaths, warn: OnWarning): void {
  const { linux = {} } = config
  const demand = (type: NamespaceType, pointer: string, what: string): void => {
    if (!namespaces.has(type)) {
      const hint = `Add {"type": "${type}"} to linux.namespaces, or leave it out.`
      throw invalid(pointer, `a ${type} namespace to go with ${what}`, NOTHING, hint)
    }
  }
  for (const key of ['hostname', 'domainname'] as const) {
    const name = config[key] ?? ''
    if (name === '') continue
    demand('uts', `/${key}`, `a ${key}`)
    if (byteLength(name) > LONGEST_NAME) throw invalid(`/${key}`, `at most ${LONGEST_NAME} bytes`, name)
  }
  for (const key of ['maskedPaths', 'readonlyPaths'] as const) {
    const paths = linux[key] ?? []
    if (paths.length > 0) demand('mount', `/linux/${key}`, key)
    for (const [index, path] of paths.entries()) checkAbsolutePath(path, `/linux/${key}/${index}`)
  }
  if (linux.netDevices && Object.keys(linux.netDevices).length > 0) {
    demand('network', '/linux/netDevices', 'netDevices')
  }
  checkUserNamespace(config, linux, namespaces, warn)
  checkTimeOffsets(linux, namespaces, demand)
}

function checkUserNamespace(config: Config, linux: Linux, namespaces: NamespacePaths, warn: OnWarning): void {
  const path = namespaces.get('user')
  const keys = ['uidMappings', 'gidMappings'] as const
  for (const key of keys) {
    const mappings = linux[key] ?? []
    const at = `/linux/${key}`
    checkIdMappings(mappings, at)
    if (mappings.length > 0 && path === undefined) {
      const hint = 'Add {"type": "user"} to linux.namespaces, or leave it out.'
      throw invalid(at, 'a user namespace to go with mappings', NOTHING, hint)
    }
    if (mappings.length > 0 && path) {
      warn({
        path: at,
        message: 'the user namespace that is joined has mappings already; these must be equal',
      })
    }
    if (mappings.length === 0 && path === '') {
      throw invalid(at, 'at least one mapping for a new user namespace', linux[key])
    }
  }
  if (path === '') checkUserIsMapped(config, linux.uidMappings ?? [], linux.gidMappings ?? [])
}

function checkUserIsMapped(config: Config, uids: readonly IdMapping[], gids: readonly IdMapping[]): void {
  if (!config.process) return
  const { uid, gid, additionalGids = [] } = config.process.user ?? { uid: 0, gid: 0 }
  const demand = (id: number, mappings: readonly IdMapping[], key: string, kind: string): void => {
    if (isMapped(id, mappings)) return
    throw invalid(`/process/user/${key}`, `an id that linux.${kind} maps into the container`, id)
  }
  demand(uid, uids, 'uid', 'uidMappings')
  demand(gid, gids, 'gid', 'gidMappings')
  for (const [index, extra] of additionalGids.entries()) {
    demand(extra, gids, `additionalGids/${index}`, 'gidMappings')
  }
}

function checkTimeOffsets(
  linux: Linux,
  namespaces: NamespacePaths,
  demand: (type: NamespaceType, pointer: string, what: string) => void,
): void {
  const offsets: [string, TimeOffset][] = Object.entries(linux.timeOffsets ?? {})
  if (offsets.length === 0) return
  demand('time', '/linux/timeOffsets', 'timeOffsets')
  const path = namespaces.get('time')
  if (path)
    throw invalid('/linux/timeOffsets', 'no offsets for a time namespace that is joined', linux.timeOffsets)
  for (const [clock, { secs = 0, nanosecs = 0 }] of offsets) {
    const at = child('/linux/timeOffsets', clock)
    if (clock !== 'monotonic' && clock !== 'boottime') {
      throw invalid(at, 'an offset of the clock monotonic or boottime', new Wording('one of another clock'))
    }
    if (secs > FARTHEST_OFFSET || secs < -FARTHEST_OFFSET) {
      throw invalid(`${at}/secs`, `from -${FARTHEST_OFFSET} to ${FARTHEST_OFFSET}`, secs)
    }
    if (nanosecs > 999_999_999) throw invalid(`${at}/nanosecs`, 'from 0 to 999999999', nanosecs)
  }
}
