import type { Capabilities } from '../../types/index.ts'
import type { PlanWarning } from './types.ts'

/** Names of the capabilities in the order of their numbers (capabilities(7)). */
export const CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
]

/** Numbers of the capabilities that planners ask for. */
export const CAP = { SETGID: 6, SETUID: 7, SYS_ADMIN: 21 } as const

const BITS: ReadonlyMap<string, bigint> = new Map(CAPABILITIES.map((name, bit) => [name, 1n << BigInt(bit)]))

/** Whether a mask has the capability with this number. */
export function hasCap(mask: bigint, cap: number): boolean {
  return ((mask >> BigInt(cap)) & 1n) === 1n
}

/** The mask of all capabilities up to `last` (cap_last_cap). */
export function allCaps(last: number): bigint {
  return (1n << BigInt(last + 1)) - 1n
}

/** The five sets as masks. */
export interface CapabilityMasks {
  bounding: bigint
  effective: bigint
  permitted: bigint
  inheritable: bigint
  ambient: bigint
}

/** The sets of a process that has none. */
export const NO_CAPABILITIES: Readonly<CapabilityMasks> = {
  bounding: 0n,
  effective: 0n,
  permitted: 0n,
  inheritable: 0n,
  ambient: 0n,
}

/**
 * The sets of `process.capabilities` as masks that the kernel takes. What is unknown to it, or can't be granted, is left
 * out with a warning, as config.md demands: a capability that the kernel or the caller lacks, an effective one that is not
 * permitted, an inheritable one outside the bounding set, an ambient one that is not both permitted and inheritable.
 *
 * @param grantable the capabilities that a process of the container can have at all
 */
export function capabilityMasks(
  capabilities: Capabilities | undefined,
  grantable: bigint,
  warn: (warning: PlanWarning) => void = () => {},
): CapabilityMasks {
  if (!capabilities) return NO_CAPABILITIES
  const read = (set: keyof Capabilities, limit: bigint, why: string): bigint => {
    let mask = 0n
    for (const [index, name] of (capabilities[set] ?? []).entries()) {
      const bit = BITS.get(name)
      const path = `/process/capabilities/${set}/${index}`
      if (bit === undefined) warn({ path, message: `Unknown capability "${name}" is ignored` })
      else if (!(bit & grantable)) warn({ path, message: `${name} can't be granted here and is left out` })
      else if (!(bit & limit)) warn({ path, message: `${name} is left out: ${why}` })
      else mask |= bit
    }
    return mask
  }
  const bounding = read('bounding', grantable, '')
  const permitted = read('permitted', grantable, '')
  const effective = read('effective', permitted, 'it is not in the permitted set')
  const inheritable = read('inheritable', bounding, 'it is not in the bounding set')
  const ambient = read('ambient', permitted & inheritable, 'it is not both permitted and inheritable')
  return { bounding, effective, permitted, inheritable, ambient }
}
