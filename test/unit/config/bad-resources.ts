import type { BadCase, Patch } from './cases.ts'

const memory = (value: object): Patch => ({ '/linux/resources/memory': value })
const cpu = (value: object): Patch => ({ '/linux/resources/cpu': value })

/** Limits and cgroups that break a rule. */
export const BAD_RESOURCES: readonly BadCase[] = [
  ['a memory limit of -2', memory({ limit: -2 }), '/linux/resources/memory/limit', /-1 for no limit/],
  [
    'a reservation of -2^63',
    memory({ reservation: -(2n ** 63n) }),
    '/linux/resources/memory/reservation',
    /-1 for no limit/,
  ],
  [
    'less swap than memory',
    memory({ limit: 2000, swap: 1999 }),
    '/linux/resources/memory/swap',
    /2000, got 1999/,
  ],
  [
    'less swap than memory in 64 bits',
    memory({ limit: 2n ** 62n + 1n, swap: 2n ** 62n }),
    '/linux/resources/memory/swap',
    /87905, got/,
  ],
  ['a limit of swap alone', memory({ swap: 2000 }), '/linux/resources/memory/swap', /memory limit/],
  [
    'a limit of swap without one of memory',
    memory({ limit: -1, swap: 2000 }),
    '/linux/resources/memory/swap',
    /memory limit/,
  ],
  ['a swappiness of 101', memory({ swappiness: 101 }), '/linux/resources/memory/swappiness', /0 to 100/],
  ['a quota of 999 µs', cpu({ quota: 999 }), '/linux/resources/cpu/quota', /1000 µs/],
  ['a quota of -2', cpu({ quota: -2 }), '/linux/resources/cpu/quota', /-1 for no limit/],
  ['a period of 999 µs', cpu({ period: 999 }), '/linux/resources/cpu/period', /1000 to 1000000/],
  ['a period above a second', cpu({ period: 1000001 }), '/linux/resources/cpu/period', /1000 to 1000000/],
  [
    'a burst above the quota',
    cpu({ quota: 2000, burst: 2001 }),
    '/linux/resources/cpu/burst',
    /2000, got 2001/,
  ],
  ['a real-time runtime of -2', cpu({ realtimeRuntime: -2 }), '/linux/resources/cpu/realtimeRuntime', /-1/],
  [
    'a real-time runtime above its period',
    cpu({ realtimeRuntime: 6, realtimePeriod: 5 }),
    '/linux/resources/cpu/realtimeRuntime',
    /5, got 6/,
  ],
  ['idle of 2', cpu({ idle: 2 }), '/linux/resources/cpu/idle', /0 or 1/],
  ['CPUs in words', cpu({ cpus: 'zero' }), '/linux/resources/cpu/cpus', /0-3,7/],
  ['memory nodes from high to low', cpu({ mems: '0,3-1' }), '/linux/resources/cpu/mems', /low to high/],
  ['-2 tasks', { '/linux/resources/pids': { limit: -2 } }, '/linux/resources/pids/limit', /-1 for no limit/],
  [
    'too many tasks',
    { '/linux/resources/pids': { limit: 4194305 } },
    '/linux/resources/pids/limit',
    /4194304/,
  ],
  [
    'a weight of 9',
    { '/linux/resources/blockIO': { weight: 9 } },
    '/linux/resources/blockIO/weight',
    /10 to 1000/,
  ],
  [
    'a leaf weight of 1001',
    { '/linux/resources/blockIO': { leafWeight: 1001 } },
    '/linux/resources/blockIO/leafWeight',
    /10 to 1000/,
  ],
  [
    'a device without weights',
    { '/linux/resources/blockIO': { weightDevice: [{ major: 8, minor: 0 }] } },
    '/linux/resources/blockIO/weightDevice/0',
    /neither/,
  ],
  [
    'a device with a weight of 5',
    { '/linux/resources/blockIO': { weightDevice: [{ major: 8, minor: 0, weight: 5 }] } },
    '/linux/resources/blockIO/weightDevice/0/weight',
    /10 to 1000/,
  ],
  [
    'a throttled device of -1',
    { '/linux/resources/blockIO': { throttleWriteIOPSDevice: [{ major: 8, minor: -1, rate: 1 }] } },
    '/linux/resources/blockIO/throttleWriteIOPSDevice/0/minor',
    /minor number/,
  ],
  [
    'a page size twice',
    {
      '/linux/resources/hugepageLimits': [
        { pageSize: '2MB', limit: 1 },
        { pageSize: '2MB', limit: 2 },
      ],
    },
    '/linux/resources/hugepageLimits/1/pageSize',
    /once/,
  ],
  [
    'a priority of a bad interface',
    { '/linux/resources/network': { priorities: [{ name: '', priority: 1 }] } },
    '/linux/resources/network/priorities/0/name',
    /interface name/,
  ],
  [
    'an RDMA device without limits',
    { '/linux/resources/rdma': { mlx5_1: {} } },
    '/linux/resources/rdma/mlx5_1',
    /neither/,
  ],
  [
    'an RDMA device with a line break',
    { '/linux/resources/rdma': { 'a\nb': { hcaHandles: 1 } } },
    '/linux/resources/rdma/a\nb',
    /RDMA device/,
  ],
  [
    'a unified file elsewhere',
    { '/linux/resources/unified': { '../x/memory.max': '1' } },
    '/linux/resources/unified/..~1x~1memory.max',
    /file of the cgroup/,
  ],
  [
    'a unified file without name',
    { '/linux/resources/unified': { '': '1' } },
    '/linux/resources/unified/',
    /file of the cgroup/,
  ],
  [
    'a unified file called ..',
    { '/linux/resources/unified': { '..': '1' } },
    '/linux/resources/unified/..',
    /file of the cgroup/,
  ],
  [
    'a way out of the cgroups',
    { '/linux/cgroupsPath': '/a/../../b' },
    '/linux/cgroupsPath',
    /without '\.\.'/,
  ],
  ['the root of the cgroups', { '/linux/cgroupsPath': '/./' }, '/linux/cgroupsPath', /below the root/],
  ['a cgroup with a line break', { '/linux/cgroupsPath': '/a\nb' }, '/linux/cgroupsPath', /line breaks/],
]
