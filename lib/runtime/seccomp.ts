import type { Config } from '../../types/index.ts'
import { OciError } from '../errors.ts'
import { native } from '../native.ts'
import { planSeccomp, seccompCacheKey } from '../plan/seccomp.ts'
import type { CreateInput } from '../plan/types.ts'

/** Compiled filters by what they depend on. A host has few profiles; more than this many are some test's. */
const filters = new Map<string, Promise<Uint8Array>>()
const MOST = 64

/** Whether a config has a seccomp profile. Some callers send an empty one for none. */
export function hasSeccomp({ linux }: Config): boolean {
  return (
    linux?.seccomp !== undefined && Boolean(linux.seccomp.defaultAction || linux.seccomp.syscalls?.length)
  )
}

/**
 * The compiled seccomp filter of a config, or null if it has none. Compiled once per profile and process, on a worker
 * thread.
 *
 * @throws `ERR_OCI_SECCOMP`, `ERR_OCI_UNSUPPORTED` where libseccomp is missing or the profile asks for too much
 */
export async function compileSeccomp(config: Config): Promise<CreateInput['seccomp']> {
  if (!hasSeccomp(config)) return null
  const plan = planSeccomp(config.linux!.seccomp!)
  const version = native().seccompVersion()
  if (version === null) {
    throw new OciError(
      'ERR_OCI_UNSUPPORTED',
      'the config has a seccomp profile, but libseccomp is not installed',
      {
        path: '/linux/seccomp',
        hint: 'install the package libseccomp2 (Debian, Ubuntu) or libseccomp (Fedora, Alpine)',
      },
    )
  }
  const key = seccompCacheKey(plan, version)
  let filter = filters.get(key)
  if (filter === undefined) {
    if (filters.size >= MOST) filters.delete(filters.keys().next().value!)
    filter = native().seccompCompile(plan.profile)
    filters.set(key, filter)
    filter.catch(() => filters.delete(key))
  }
  try {
    return { filter: await filter, flags: plan.flags }
  } catch (cause) {
    throw new OciError(
      'ERR_OCI_SECCOMP',
      `the seccomp profile can’t be compiled: ${(cause as Error).message}`,
      {
        path: '/linux/seccomp',
        cause,
      },
    )
  }
}
