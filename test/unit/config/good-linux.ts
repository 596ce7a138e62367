import type { GoodCase } from './cases.ts'

const MAX = 2n ** 64n - 1n

/** What is specific to Linux and right, and where it raises a warning. */
export const GOOD_LINUX: readonly GoodCase[] = [
  [
    'every kind of device',
    {
      '/linux/devices': [
        { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 },
        { path: '/dev/sda', type: 'b', major: 8, minor: 0 },
        { path: '/srv/u', type: 'u', major: 1, minor: 5, fileMode: 0o20666 },
        { path: '/fifo', type: 'p' },
      ],
    },
  ],
  [
    'a device at two paths',
    {
      '/linux/devices': [
        { path: '/dev/a', type: 'c', major: 1, minor: 3 },
        { path: '/dev/b', type: 'u', major: 1, minor: 3 },
      ],
    },
    ['/linux/devices/1'],
  ],
  [
    'network devices',
    { '/linux/netDevices': { eth0: { name: 'net%d' }, eth1: { name: 'net%d' }, 'br-1.2@a': {} } },
  ],
  [
    'device rules',
    {
      '/linux/resources/devices': [
        { allow: false },
        { allow: true, type: 'c', major: 1, minor: -1, access: 'rw' },
        { allow: true, type: 'a', access: 'm' },
      ],
    },
  ],
  [
    'memory',
    {
      '/linux/resources/memory': {
        limit: 1e9,
        reservation: 2e9,
        swap: 1e9,
        swappiness: 0,
        disableOOMKiller: true,
        useHierarchy: true,
        checkBeforeUpdate: true,
      },
    },
  ],
  ['no limit of memory', { '/linux/resources/memory': { limit: -1, swap: -1 } }],
  [
    'a limit of all 63 bits',
    { '/linux/resources/memory': { limit: 9223372036854775807n, swap: 9223372036854775807n } },
  ],
  [
    'obsolete limits',
    { '/linux/resources/memory': { kernel: -1, kernelTCP: 0 } },
    ['/linux/resources/memory/kernel', '/linux/resources/memory/kernelTCP'],
  ],
  [
    'CPU time',
    {
      '/linux/resources/cpu': {
        shares: 1024,
        quota: 1000,
        burst: 1000,
        period: 1000000,
        realtimeRuntime: 950000,
        realtimePeriod: 1000000,
        cpus: '2-3',
        mems: '0-7,9',
        idle: 0,
      },
    },
  ],
  ['no limit of CPU time', { '/linux/resources/cpu': { quota: -1, burst: 5000, period: 0, cpus: '' } }],
  ['no tasks', { '/linux/resources/pids': { limit: 0 } }],
  [
    'block devices',
    {
      '/linux/resources/blockIO': {
        weight: 10,
        leafWeight: 1000,
        weightDevice: [{ major: 8, minor: 0, leafWeight: 300 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: MAX }],
        throttleWriteBpsDevice: [],
        throttleReadIOPSDevice: [],
        throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 0 }],
      },
    },
  ],
  [
    'the rest of the resources',
    {
      '/linux/resources': {
        hugepageLimits: [
          { pageSize: '2MB', limit: 0 },
          { pageSize: '1GB', limit: MAX },
        ],
        network: { classID: 1, priorities: [{ name: 'eth0', priority: 5 }] },
        rdma: { mlx5_1: { hcaHandles: 3 } },
        unified: { 'io.max': '8:0 rbps=1\n8:16 rbps=2', 'x.y': '' },
      },
    },
  ],
  ['a cgroup of systemd', { '/linux/cgroupsPath': 'system.slice:oci:a' }],
  ['a relative cgroup', { '/linux/cgroupsPath': 'a/b' }],
  [
    'a seccomp profile',
    {
      '/linux/seccomp': {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 38,
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'],
        flags: ['SECCOMP_FILTER_FLAG_LOG'],
        syscalls: [
          {
            names: ['clone'],
            action: 'SCMP_ACT_ALLOW',
            args: [
              { index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' },
              { index: 5, value: MAX, op: 'SCMP_CMP_NE' },
            ],
          },
          { names: ['no_such_call'], action: 'SCMP_ACT_TRACE', errnoRet: 65535 },
        ],
      },
    },
  ],
  [
    'a seccomp listener',
    {
      '/linux/seccomp': {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: '/run/agent.sock',
        listenerMetadata: 'a\0b',
        syscalls: [{ names: ['mknod'], action: 'SCMP_ACT_NOTIFY' }],
      },
    },
  ],
  ['every propagation', { '/linux/rootfsPropagation': 'rslave' }],
  [
    'cache and bandwidth',
    {
      '/linux/intelRdt': {
        closID: '/',
        l3CacheSchema: 'L3:0=7f0',
        memBwSchema: 'MB:0=20',
        schemata: ['L2:0=f'],
        enableMonitoring: true,
      },
    },
  ],
  [
    'a cache schema of another kind',
    { '/linux/intelRdt': { l3CacheSchema: 'L2:0=f' } },
    ['/linux/intelRdt/l3CacheSchema'],
  ],
  [
    'a memory policy',
    {
      '/linux/memoryPolicy': {
        mode: 'MPOL_BIND',
        nodes: '0-1',
        flags: ['MPOL_F_NUMA_BALANCING', 'MPOL_F_STATIC_NODES'],
      },
    },
  ],
  ['the preferred node', { '/linux/memoryPolicy': { mode: 'MPOL_PREFERRED' } }],
  [
    'a personality',
    { '/linux/personality': { domain: 'LINUX32', flags: ['X'] } },
    ['/linux/personality/flags'],
  ],
]
