import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../../types/index.ts'
import { createCgroup } from '../cgroup/create.ts'
import { delegatedUid } from '../cgroup/delegate.ts'
import { DISABLED_LOCATION, locateCgroup } from '../cgroup/location.ts'
import { removeSteps } from '../cgroup/operate.ts'
import type { CgroupCreation, CgroupLocation } from '../cgroup/types.ts'
import { OciError } from '../errors.ts'
import type { Plan, Step } from '../plan/steps.ts'
import type { RuntimeFacts } from './facts.ts'
import { oomKills } from './oom.ts'
import { readRecord, stateRoot } from './store.ts'

/** Who manages the containers' cgroups. */
export type CgroupManager = 'cgroupfs' | 'systemd' | 'disabled'

/** A container's cgroup, planned. */
export interface PlannedCgroup {
  location: CgroupLocation
  /** null: it has none. */
  creation: CgroupCreation | null
}

/**
 * Plans a container's cgroup.
 *
 * @throws as the planners of limits do; `ERR_OCI_UNSUPPORTED` for the manager `systemd`
 */
export function planCgroup(
  id: string,
  config: Config,
  manager: CgroupManager,
  facts: RuntimeFacts,
): PlannedCgroup {
  if (manager === 'systemd') {
    throw new OciError('ERR_OCI_UNSUPPORTED', 'the cgroup manager systemd is not implemented yet', {
      hint: 'use cgroupfs',
    })
  }
  const { cgroupsPath, resources } = config.linux ?? {}
  let location = manager === 'disabled' ? DISABLED_LOCATION : locateCgroup(facts.cgroup, id, cgroupsPath)
  if (facts.rootless && !cgroupsPath) location = writablePart(location)
  const none = location.mode === 'disabled'
  const uid = delegatedUid(config)
  const creation = createCgroup(location, facts.cgroup, resources, {
    rootless: facts.rootless,
    pathGiven: Boolean(cgroupsPath),
    cloneIntoCgroup: facts.cloneIntoCgroup,
    hugePageSizes: facts.hugePageSizes,
    delegate: uid === null ? undefined : { uid, files: facts.delegateFiles },
  })
  return { location, creation: none ? null : creation }
}

/** What of a cgroup an unprivileged caller can make: without a part that nobody asked for it goes on. */
function writablePart(location: CgroupLocation): CgroupLocation {
  const v1 = location.v1.filter(({ dir }) => isWritable(dirname(dir)))
  // To move a process there takes the right to write where both cgroups meet.
  const v2 = location.v2 && isWritable(join(dirname(location.v2.dir), 'cgroup.procs')) ? location.v2 : null
  return v1.length === 0 && v2 === null ? DISABLED_LOCATION : { ...location, v1, v2 }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The steps that remove a cgroup whose making failed at `failed`, one of the steps of `make`: only the directories before
 * it, without killing, since what is in the others is not ours.
 */
export function undoMake(location: CgroupLocation, make: Plan, failed: number): Step[] {
  const touched = new Set<string>()
  for (const step of make.slice(0, failed)) if (step.op === 'mkdir') touched.add(step.path)
  const guilty = make[failed]
  return removeSteps(location, { timeoutMs: 0 }).filter(
    (step) =>
      'path' in step && touched.has(step.path) && !(guilty && 'path' in guilty && guilty.path === step.path),
  )
}

/** Whether the kernel has killed a process of the cgroup because memory ran out. */
export async function oomKilled(location: CgroupLocation): Promise<boolean> {
  return oomKills(location) > 0
}

/** As `oomKilled`, of a container by its id; false if it is gone. */
export async function oomKilledIn(root: string | undefined, id: string): Promise<boolean> {
  const record = await readRecord(stateRoot(root), id).catch(() => null)
  return record !== null && oomKilled(record.cgroup)
}
