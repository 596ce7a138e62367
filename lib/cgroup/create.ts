import { posix } from 'node:path'
import type { Resources } from '../../types/index.ts'
import { OciError } from '../errors.ts'
import type { Step } from '../plan/steps.ts'
import { ERRNO, FORBIDDEN } from './constants.ts'
import { delegationSteps } from './delegate.ts'
import { exactRules } from './device-rules.ts'
import { joinCgroup } from './join.ts'
import { RESOURCES } from './limit-plan.ts'
import { cpusetPrefix, type LimitContext, limitSteps, neededControllers } from './limits.ts'
import { enableControllers } from './subtree.ts'
import type { CgroupCreation, CgroupLayout, CgroupLocation, V1Hierarchy } from './types.ts'
import { devicesV1 } from './v1/devices.ts'
import { devicesV2 } from './v2/devices.ts'

/** What a cgroup depends on beside its place and its limits. */
export interface CreateCgroupOptions extends Pick<LimitContext, 'hugePageSizes'> {
  /** The caller may not be allowed to write cgroups: not root, or not in the initial user namespace. */
  rootless: boolean
  /** The config names a cgroupsPath: then it must be made, rootless or not. */
  pathGiven?: boolean
  /** CLONE_INTO_CGROUP works. Default true. */
  cloneIntoCgroup?: boolean
  /** Who gets the v2 cgroup (see `delegation`), if anyone. */
  delegate?: { uid: number; files: readonly string[] } | undefined
}

const POINTER = '/linux/cgroupsPath'

/**
 * The host steps that make a container's cgroup: first `make`, then `limits`, then `open`, all before the launch.
 *
 * A cgroup that is there already is taken if it has no processes and is not frozen. Parents are made as needed and stay,
 * as with runc: whoever makes containers side by side shares them. Rootless and without a cgroupsPath, a cgroup that may
 * not be made is done without; a limit then still fails, and names itself.
 *
 * Before `make` has run without an error the cgroup may be another container's: nothing in it may be killed.
 *
 * @throws OciError for limits that can't be set here
 */
export function createCgroup(
  location: CgroupLocation,
  layout: CgroupLayout,
  resources: Resources | undefined,
  options: CreateCgroupOptions,
): CgroupCreation {
  const optional = options.rootless && !options.pathGiven
  if (location.mode === 'none' && !optional) {
    throw new OciError('ERR_OCI_UNSUPPORTED', 'no cgroup hierarchy is mounted on this host', {
      hint: 'mount one at /sys/fs/cgroup, or choose the cgroup manager "disabled"',
    })
  }
  const { steps: limits, warnings } = limitSteps(location, layout, resources ?? {}, options)
  const make = [
    ...location.v1.flatMap((entry) => makeV1(entry, hierarchyOf(layout, entry.mountpoint), layout, optional)),
    ...makeV2(location, layout, resources ?? {}, optional),
  ]
  // Not beside v1: there it would not be safe.
  if (location.v2 && location.mode === 'v2' && options.delegate) {
    make.push(...delegationSteps(location.v2.dir, options.delegate, options.rootless))
  }
  // A caller without rights can change no device list; what he may not do he may not do in a container either.
  if (!options.rootless) limits.push(...deviceSteps(location, resources))
  const join = joinCgroup(location, { optional, cloneIntoCgroup: options.cloneIntoCgroup ?? true })
  return { make, limits, warnings, ...join }
}

function hierarchyOf(layout: CgroupLayout, mountpoint: string): V1Hierarchy | undefined {
  return layout.v1.find((hierarchy) => hierarchy.mountpoint === mountpoint)
}

function deviceSteps(location: CgroupLocation, resources: Resources | undefined): Step[] {
  if (location.mode === 'disabled') return []
  const rules = exactRules(resources?.devices)
  const v1 = location.v1.find(({ controllers }) => controllers.includes('devices'))
  if (v1) return devicesV1(v1.dir, rules)
  if (location.v2) return devicesV2(location.v2.dir, rules)
  throw new OciError('ERR_OCI_UNSUPPORTED', 'the devices controller is not available on this host', {
    path: `${RESOURCES}/devices`,
    hint: 'mount it (cgroup v1: devices) or use cgroup v2; without it devices can’t be kept from the container',
  })
}

/** Makes a directory; if it is there, sees that nobody uses it. */
function makeLeaf(path: string, v1: boolean, optional: boolean): Step[] {
  return [
    {
      op: 'mkdir',
      path,
      mode: 0o755,
      parents: true,
      ignore: optional ? [ERRNO.EEXIST, ...FORBIDDEN] : [ERRNO.EEXIST],
      from: POINTER,
    },
    { op: 'checkCgroupEmpty', path, ...(v1 ? { v1 } : {}), orElse: true, from: POINTER },
  ]
}

function makeV1(
  { controllers, dir, mountpoint }: CgroupLocation['v1'][number],
  hierarchy: V1Hierarchy | undefined,
  layout: CgroupLayout,
  optional: boolean,
): Step[] {
  const leaf = makeLeaf(dir, true, optional)
  // Named hierarchies limit nothing: processes of others in them do no harm.
  if (controllers.length === 0) return [{ ...leaf[0]!, parents: true, existOk: true } as Step]
  if (!controllers.includes('cpuset')) return leaf
  const steps: Step[] = []
  for (const level of levels(posix.join(mountpoint, hierarchy?.own ?? '/'), mountpoint, dir)) {
    if (level === dir) steps.push(...leaf)
    else {
      const ignore = optional ? FORBIDDEN : undefined
      steps.push({ op: 'mkdir', path: level, mode: 0o755, existOk: true, ignore, from: POINTER })
    }
    steps.push(...inheritCpuset(level, cpusetPrefix(layout), optional))
  }
  return steps
}

/**
 * The directories to go through on the way to `dir`, `dir` included, without those that are there for sure: the caller's
 * own and what is above it.
 */
function levels(own: string, mountpoint: string, dir: string): string[] {
  const result: string[] = []
  for (let at = dir; at !== mountpoint && at !== own && at !== '/'; at = posix.dirname(at)) result.unshift(at)
  return result
}

/** A new v1 cpuset is empty, and takes no process until it has CPUs and memory nodes. */
function inheritCpuset(dir: string, prefix: string, optional: boolean): Step[] {
  const parent = posix.dirname(dir)
  return ['cpus', 'mems'].map((file) => ({
    op: 'copy',
    fromPath: `${parent}/${prefix}${file}`,
    toPath: `${dir}/${prefix}${file}`,
    onlyIfEmpty: true,
    ...(optional ? { ignore: [ERRNO.ENOENT, ...FORBIDDEN] } : {}),
    from: POINTER,
  }))
}

function makeV2(
  { mode, v2 }: CgroupLocation,
  layout: CgroupLayout,
  resources: Resources,
  optional: boolean,
): Step[] {
  if (!v2 || !layout.v2) return []
  const controllers = layout.v2.controllers.filter(
    (name) => mode === 'v2' || isNeeded(name, layout, resources),
  )
  const steps: Step[] = []
  const parent = posix.dirname(v2.dir)
  const above = [v2.mountpoint, ...levels(v2.mountpoint, v2.mountpoint, parent)]
  if (controllers.length > 0 && parent !== v2.mountpoint) {
    const ignore = optional ? FORBIDDEN : undefined
    steps.push({
      op: 'mkdir',
      path: parent,
      mode: 0o755,
      parents: true,
      existOk: true,
      ignore,
      from: POINTER,
    })
  }
  for (const dir of above) steps.push(...enableControllers(dir, controllers, optional))
  steps.push(...makeLeaf(v2.dir, false, optional))
  return steps
}

/** On a hybrid host v2 controllers are left alone but for those that the container has limits for. */
function isNeeded(controller: string, layout: CgroupLayout, resources: Resources): boolean {
  const v1Name = controller === 'io' ? 'blkio' : controller
  if (layout.v1.some(({ controllers }) => controllers.includes(v1Name))) return false
  const inUnified = Object.keys(resources.unified ?? {}).some((file) => file.startsWith(`${controller}.`))
  return inUnified || neededControllers(resources).has(v1Name)
}
