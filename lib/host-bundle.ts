import { release } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config, Mount } from '../types/index.ts'
import { Bundle } from './bundle.ts'
import { checkOptions } from './config/options.ts'
import { spec } from './config/spec.ts'
import { OciError } from './errors.ts'
import { makeHostRootfs } from './runtime/host-rootfs.ts'

/** Options of {@link hostBundle}. */
export interface HostBundleOptions {
  /** The program and its arguments (default `['sh']`). */
  args?: readonly string[] | undefined
  /** Environment, as `NAME=value`, on top of PATH, HOME, LANG and TERM. */
  env?: readonly string[] | undefined
  /** Working directory in the container (default `/`). */
  cwd?: string | undefined
  /** Host name (default `oci-ts`). */
  hostname?: string | undefined
  /** Whether the process has a terminal (default false). */
  terminal?: boolean | undefined
  /** `'none'` (default): a network of its own with nothing but `lo`. `'host'`: the host's. */
  network?: 'none' | 'host' | undefined
  /** More mounts, made last. Their mount points must lie in /tmp, /home, /root, /var or /run. */
  mounts?: readonly Mount[] | undefined
}

const OPTIONS = ['args', 'env', 'cwd', 'hostname', 'terminal', 'network', 'mounts']
const ENV = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LANG=C.UTF-8',
  'TERM=xterm',
]

/** What a process may write: each a tmpfs of the container's own. */
const PRIVATE = [
  { destination: '/tmp', mode: '1777' },
  { destination: '/home', mode: '755' },
  { destination: '/root', mode: '700' },
  { destination: '/var', mode: '755' },
  { destination: '/var/tmp', mode: '1777' },
  { destination: '/run', mode: '755' },
] as const

/**
 * Writes a bundle that needs no image: the host's programs, read-only, in a container of their own. Any OCI runtime runs it.
 *
 * `/usr` is the host's, bound read-only with all that is mounted below (before Linux 5.12: without that); `/bin`,
 * `/sbin` and `/lib*` are as on the host. Of `/etc` there are accounts (without any password), name service, dynamic
 * linker, certificates, alternatives, time zone and resolver, as copies or read-only binds, and nothing else. `/tmp`,
 * `/home`, `/root`, `/var` and `/run` are empty and go with the container. Not as root, it has a user namespace in
 * which the caller is root.
 *
 * @param dir directory of the bundle; made if missing, its config.json replaced
 * @throws OciError `ERR_OCI_OPTION_INVALID`, `ERR_OCI_CONFIG_INVALID`, `ERR_OCI_BUNDLE_NOT_FOUND` if it can't be written
 */
export async function hostBundle(dir: string, options: HostBundleOptions = {}): Promise<Bundle> {
  checkOptions('hostBundle', options, OPTIONS)
  if (typeof dir !== 'string' || dir === '' || dir.includes('\0')) {
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      `hostBundle: expected a directory, got ${JSON.stringify(dir)}`,
    )
  }
  const { network = 'none' } = options
  if (network !== 'none' && network !== 'host') {
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      `network: expected 'none' or 'host', got ${JSON.stringify(network)}`,
    )
  }
  const directory = resolve(dir)
  let bound: string[]
  try {
    const mountPoints = PRIVATE.filter(({ destination }) => destination !== '/var/tmp')
    bound = await makeHostRootfs(
      join(directory, 'rootfs'),
      mountPoints.map(({ destination }) => destination),
    )
  } catch (cause) {
    throw new OciError('ERR_OCI_BUNDLE_NOT_FOUND', `the bundle ${dir} can’t be written`, { cause })
  }
  return Bundle.create(directory, hostConfig(options, bound))
}

/** @param bound directories of the host to bind read-only */
function hostConfig(options: HostBundleOptions, bound: readonly string[]): Config {
  const {
    args = ['sh'],
    env = [],
    cwd = '/',
    hostname = 'oci-ts',
    terminal = false,
    network = 'none',
  } = options
  const rootless = process.geteuid?.() !== 0
  const config = spec({ rootless })
  const namespaces = config.linux?.namespaces?.filter(({ type }) => type !== 'network') ?? []
  if (network === 'none') namespaces.push({ type: 'network' })
  const mounts = (config.mounts ?? [])
    .map((mount) => (mount.destination === '/sys' ? sysMount(network) : mount))
    // Without a cgroup of its own it would show those of others.
    .filter(({ destination }) => !rootless || destination !== '/sys/fs/cgroup')
  return {
    ...config,
    hostname,
    process: { ...config.process, args: [...args], env: [...ENV, ...env], cwd, terminal },
    mounts: [
      ...mounts,
      ...bound.map(
        (path): Mount => ({ destination: path, type: 'none', source: path, options: bindOptions() }),
      ),
      ...PRIVATE.map(
        ({ destination, mode }): Mount => ({
          destination,
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nosuid', 'nodev', `mode=${mode}`],
        }),
      ),
      ...(options.mounts ?? []),
    ],
    linux: { ...config.linux, namespaces },
  }
}

/** A sysfs shows its network namespace's devices, and takes one that the user namespace owns. */
function sysMount(network: 'none' | 'host'): Mount {
  const options = ['nosuid', 'noexec', 'nodev']
  return network === 'none'
    ? { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...options, 'ro'] }
    : {
        destination: '/sys',
        type: 'none',
        source: '/sys',
        options: [...readOnlyBind(), 'rprivate', ...options],
      }
}

function bindOptions(): string[] {
  return [...readOnlyBind(), 'rprivate', 'nosuid', 'nodev']
}

/**
 * A whole tree can be made read-only since Linux 5.12. Before that, what is mounted below is left out: it would be
 * writable.
 */
function readOnlyBind(): string[] {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 12) ? ['rbind', 'rro'] : ['bind', 'ro']
}
