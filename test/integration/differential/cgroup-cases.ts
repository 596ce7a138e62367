import type { Config } from 'oci-ts'
import { CGROUP, CGROUP_EXCEPTIONS } from './cgroup-mount.ts'
import { unified } from './host.ts'
import type { Case } from './runtimes.ts'

type Resources = NonNullable<NonNullable<Config['linux']>['resources']>

/** Where the limits are found, and what is there then. */
const LIMITS = unified
  ? ['memory.max', 'memory.low', 'pids.max', 'cpu.max']
  : [
      'memory/memory.limit_in_bytes',
      'memory/memory.soft_limit_in_bytes',
      'pids/pids.max',
      'cpu/cpu.shares',
      'cpu/cpu.cfs_quota_us',
    ]
const SHOWN = unified
  ? ['67108864', '33554432', '50', '50000', '100000']
  : ['67108864', '33554432', '50', '512', '50000']

/** Mounts the cgroups so that a container's own is at the mount point: on v2 that takes a namespace. */
function showCgroup(config: Config): void {
  config.mounts!.push(CGROUP)
  if (unified) config.linux!.namespaces!.push({ type: 'cgroup' })
}

/** A case with limits, that shows files of its cgroup: on v2 those in `v2`. */
function limits(
  name: string,
  resources: Resources,
  files: { v1: Record<string, string>; v2: Record<string, string> },
  except: Case['except'] = {},
): Case {
  const shown = Object.entries(unified ? files.v2 : files.v1)
  return {
    name: `resources: ${name}`,
    change: (config) => {
      config.linux!.resources = resources
      showCgroup(config)
    },
    show: shown.map(([file]) => `"$(cat /sys/fs/cgroup/${file} 2>&1)"`).join(' '),
    sees: { 'process.argv': ['/probe', '--', ...shown.map(([, text]) => text)] },
    except: {
      runc: { ...CGROUP_EXCEPTIONS.runc, ...except.runc },
      crun: { ...CGROUP_EXCEPTIONS.crun, ...except.crun },
    },
  }
}

const NODES = ['/dev/null', '/dev/zero', '/dev/one', '/dev/two', '/dev/three']

/** `/linux/cgroupsPath`, `/linux/resources` and mounts of type cgroup. */
export const cgroupCases: Case[] = [
  {
    name: 'cgroupsPath: relative',
    change: (config, { id }) => {
      config.linux!.cgroupsPath = `${id}-relative`
    },
  },
  {
    name: 'cgroupsPath: absolute',
    change: (config, { id }) => {
      config.linux!.cgroupsPath = `/${id}-absolute`
    },
  },
  {
    name: 'cgroupsPath: with limits of memory, pids and cpu',
    change: (config, { id }) => {
      config.linux!.cgroupsPath = `/${id}-absolute`
      config.linux!.resources = {
        memory: { limit: 64 << 20, reservation: 32 << 20 },
        pids: { limit: 50 },
        cpu: { shares: 512, quota: 50_000, period: 100_000 },
      }
      showCgroup(config)
    },
    show: LIMITS.map((file) => `$(cat /sys/fs/cgroup/${file})`).join(' '),
    sees: { 'process.argv': ['/probe', '--', ...SHOWN] },
    except: CGROUP_EXCEPTIONS,
  },

  limits(
    'memory with swap',
    { memory: { limit: 64 << 20, swap: 128 << 20 } },
    {
      v1: {
        'memory/memory.limit_in_bytes': '67108864',
        'memory/memory.memsw.limit_in_bytes': '134217728',
      },
      v2: { 'memory.max': '67108864', 'memory.swap.max': '67108864' },
    },
  ),
  // What v2 has no place for.
  ...(unified
    ? []
    : [
        limits(
          'swappiness and the OOM killer',
          { memory: { swappiness: 20, disableOOMKiller: true } },
          {
            v1: {
              'memory/memory.swappiness': '20',
              'memory/memory.oom_control': 'oom_kill_disable 1\nunder_oom 0\noom_kill 0',
            },
            v2: {},
          },
        ),
      ]),
  limits(
    'cpu shares and quota',
    { cpu: { shares: 2048, period: 50_000, quota: 25_000 } },
    {
      v1: { 'cpu/cpu.shares': '2048', 'cpu/cpu.cfs_period_us': '50000', 'cpu/cpu.cfs_quota_us': '25000' },
      v2: { 'cpu.weight': '174', 'cpu.max': '25000 50000' },
    },
  ),
  limits(
    'cpuset',
    { cpu: { cpus: '0', mems: '0' } },
    {
      v1: { 'cpuset/cpuset.cpus': '0', 'cpuset/cpuset.mems': '0' },
      v2: { 'cpuset.cpus': '0', 'cpuset.mems': '0' },
    },
  ),
  limits(
    'pids: none',
    { pids: { limit: -1 } },
    { v1: { 'pids/pids.max': 'max' }, v2: { 'pids.max': 'max' } },
  ),
  limits(
    'hugetlb',
    { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] },
    { v1: { 'hugetlb/hugetlb.2MB.limit_in_bytes': '4194304' }, v2: { 'hugetlb.2MB.max': '4194304' } },
  ),
  limits(
    'block I/O',
    {
      blockIO: {
        throttleReadBpsDevice: [{ major: 7, minor: 0, rate: 1_048_576 }],
        throttleWriteIOPSDevice: [{ major: 7, minor: 0, rate: 100 }],
      },
    },
    {
      v1: {
        'blkio/blkio.throttle.read_bps_device': '7:0 1048576',
        'blkio/blkio.throttle.write_iops_device': '7:0 100',
      },
      v2: { 'io.max': '7:0 rbps=1048576 wbps=max riops=max wiops=100' },
    },
  ),
  ...(unified
    ? [
        limits(
          'unified',
          { unified: { 'memory.high': '33554432', 'pids.max': '77', 'cpu.weight': '42' } },
          { v1: {}, v2: { 'memory.high': '33554432', 'pids.max': '77', 'cpu.weight': '42' } },
        ),
      ]
    : []),
  {
    name: 'resources: devices',
    change: (config) => {
      config.linux!.devices = [
        { path: '/dev/one', type: 'c', major: 1, minor: 11 },
        { path: '/dev/two', type: 'c', major: 10, minor: 229 },
        { path: '/dev/three', type: 'c', major: 1, minor: 9 },
      ]
      config.linux!.resources = {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 9, access: 'r' },
          { allow: false, type: 'c', major: 1, minor: 5, access: 'r' },
        ],
      }
    },
    stat: NODES,
    sees: { 'paths./dev/one.openError': 'EPERM', 'paths./dev/null.openError': null },
  },
  {
    name: 'resources: devices: all are allowed',
    change: (config) => {
      config.linux!.devices = [{ path: '/dev/one', type: 'c', major: 1, minor: 11 }]
      config.linux!.resources = { devices: [{ allow: true, access: 'rwm' }] }
    },
    stat: NODES,
  },
  {
    name: 'a cgroup mount that can be written, with a cgroup namespace',
    change: (config) => {
      config.linux!.namespaces!.push({ type: 'cgroup' })
      config.mounts!.push({ ...CGROUP, options: ['nosuid', 'noexec', 'nodev', 'relatime', 'rw'] })
    },
    show: unified
      ? '$(mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x; echo $?)'
      : '$(mkdir /sys/fs/cgroup/pids/x && rmdir /sys/fs/cgroup/pids/x; echo $?)',
    sees: { 'process.argv': ['/probe', '--', '0'] },
    except: unified
      ? { crun: { 'mounts./sys/fs/cgroup.source': CGROUP_EXCEPTIONS.crun!['mounts./sys/fs/cgroup.source']! } }
      : {
          crun: {
            'mounts./sys/fs/cgroup.source': CGROUP_EXCEPTIONS.crun!['mounts./sys/fs/cgroup.source']!,
            'mounts./sys/fs/cgroup.superOptions':
              CGROUP_EXCEPTIONS.crun!['mounts./sys/fs/cgroup.superOptions']!,
            'mounts./sys/fs/cgroup/*.source': 'names the mounts after their places on the host',
          },
        },
  },
]
