import type { Config, Mount, Namespace } from '../../types/index.ts'

/** The version of the runtime-spec that oci-ts implements. */
export const OCI_VERSION = '1.3.0'

/** What the default config depends on. */
export interface SpecOptions {
  /**
   * For a caller without privileges: a user namespace in which the caller is root, the host's network and `/sys`, no
   * limits.
   */
  rootless?: boolean | undefined
  /** With {@link rootless}, the user id on the host that is root inside. The caller's by default. */
  uid?: number | undefined
  /** With {@link rootless}, the group id on the host that is root's inside. The caller's by default. */
  gid?: number | undefined
  /** Whether the container gets a cgroup namespace: runc gives it one where the host has cgroup v2 only. */
  cgroupNamespace?: boolean | undefined
}

const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

/**
 * The config to start from: the one that `runc spec` writes, property for property. It runs `sh` at a terminal, in
 * `rootfs` of the bundle.
 *
 * @returns a new object, the caller's to change
 */
export function spec(options: SpecOptions = {}): Config {
  const { rootless = false, cgroupNamespace = false } = options
  const own: Namespace[] = [
    { type: 'pid' },
    ...(rootless ? [] : [{ type: 'network' } as const]),
    { type: 'ipc' },
    { type: 'uts' },
    { type: 'mount' },
    ...(cgroupNamespace ? [{ type: 'cgroup' } as const] : []),
    ...(rootless ? [{ type: 'user' } as const] : []),
  ]
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: {
        bounding: [...CAPABILITIES],
        effective: [...CAPABILITIES],
        permitted: [...CAPABILITIES],
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'oci-ts',
    mounts: mounts(rootless),
    linux: {
      ...(rootless ? mappings(options) : {}),
      ...(rootless ? {} : { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
      namespaces: own,
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/sys/firmware',
        '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

function mappings({
  uid,
  gid,
}: SpecOptions): Pick<NonNullable<Config['linux']>, 'uidMappings' | 'gidMappings'> {
  return {
    uidMappings: [{ containerID: 0, hostID: uid ?? process.geteuid?.() ?? 0, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid ?? process.getegid?.() ?? 0, size: 1 }],
  }
}

function mounts(rootless: boolean): Mount[] {
  // In a user namespace with only one id, group 5 (tty) has no name; and sysfs can't be mounted without owning a network.
  const tty = rootless ? [] : ['gid=5']
  const sys: Mount = rootless
    ? {
        destination: '/sys',
        type: 'none',
        source: '/sys',
        options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
      }
    : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] }
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...tty],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    sys,
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
    },
  ]
}
