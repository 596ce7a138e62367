import type { Features, NamespaceType } from '../types/index.ts'
import { HOOK_NAMES } from './config/check-hooks.ts'
import { OCI_VERSION } from './config/spec.ts'
import { native } from './native.ts'
import { CAPABILITIES } from './plan/capabilities.ts'
import { MOUNT_OPTIONS } from './plan/mount-options.ts'
import { MEMORY_POLICY } from './plan/scheduler.ts'
import { SECCOMP_ACTIONS, SECCOMP_ARCHS, SECCOMP_FLAGS, SECCOMP_OPERATORS } from './plan/seccomp-names.ts'

const NAMESPACES: NamespaceType[] = ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts']

/** The names of a table without those that this version refuses. */
function names<T extends string>(table: Readonly<Record<T, unknown>>, ...refused: T[]): T[] {
  return (Object.keys(table) as T[]).filter((name) => !refused.includes(name)).sort()
}

/**
 * What this version of oci-ts can do (features.md, features-linux.md): facts of the code, whatever the host has. Only
 * libseccomp, which is loaded where it is, makes a difference.
 */
export function features(): Features {
  const seccomp = native().seccompVersion()
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: OCI_VERSION,
    hooks: [...HOOK_NAMES],
    mountOptions: [...MOUNT_OPTIONS].filter((option) => option !== 'idmap' && option !== 'ridmap').sort(),
    linux: {
      namespaces: NAMESPACES,
      capabilities: [...CAPABILITIES],
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
      seccomp: {
        enabled: seccomp !== null,
        actions: names(SECCOMP_ACTIONS, 'SCMP_ACT_NOTIFY'),
        operators: names(SECCOMP_OPERATORS),
        archs: names(SECCOMP_ARCHS),
        knownFlags: names(SECCOMP_FLAGS),
        supportedFlags: names(SECCOMP_FLAGS, 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: false },
      memoryPolicy: {
        modes: [...MEMORY_POLICY.modes].sort(),
        flags: [...MEMORY_POLICY.flags].sort(),
      },
      mountExtensions: { idmap: { enabled: false } },
      netDevices: { enabled: false },
    },
    annotations: seccomp === null ? {} : { 'io.github.seccomp.libseccomp.version': seccomp },
    potentiallyUnsafeConfigAnnotations: [],
  }
}
