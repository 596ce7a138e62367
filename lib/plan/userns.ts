import type { Config, IdMapping } from '../../types/index.ts'
import { CAP, hasCap } from './capabilities.ts'
import type { HostFacts, IdMaps } from './types.ts'

/**
 * The id maps of a new user namespace, and how they get written (user_namespaces(7)): by the caller itself if it has
 * CAP_SETUID and CAP_SETGID; by itself too if each map is just its own id (setgroups(2) is then denied for good);
 * otherwise by newuidmap(1) and newgidmap(1).
 */
export function idMaps(config: Config, host: HostFacts): IdMaps {
  const uid = config.linux?.uidMappings ?? []
  const gid = config.linux?.gidMappings ?? []
  const privileged = hasCap(host.effectiveCaps, CAP.SETUID) && hasCap(host.effectiveCaps, CAP.SETGID)
  const own = isOnly(uid, host.euid) && isOnly(gid, host.egid)
  return { uid, gid, denySetgroups: !privileged && own, helpers: !privileged && !own }
}

/**
 * The ids that init takes once the maps are there, so that what it makes belongs to the container: 0, or, where 0 is not
 * mapped, those of the process (if they are), or the first ones of the maps.
 */
export function firstIds(config: Config): { uid: number; gid: number } {
  const user = config.process?.user
  return {
    uid: firstId(config.linux?.uidMappings ?? [], user?.uid),
    gid: firstId(config.linux?.gidMappings ?? [], user?.gid),
  }
}

function firstId(mappings: readonly IdMapping[], wanted: number | undefined): number {
  if (mappings.length === 0 || isMapped(mappings, 0)) return 0
  if (wanted !== undefined && isMapped(mappings, wanted)) return wanted
  return mappings[0]?.containerID ?? 0
}

function isMapped(mappings: readonly IdMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size)
}

function isOnly(mappings: readonly IdMapping[], id: number): boolean {
  const [first] = mappings
  return mappings.length === 1 && first?.size === 1 && first.hostID === id
}
