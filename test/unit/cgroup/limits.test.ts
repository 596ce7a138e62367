import { describe, expect, test } from 'vitest'
import { limitSteps } from '../../../lib/cgroup/limits.ts'
import { DISABLED_LOCATION, locateCgroup } from '../../../lib/cgroup/location.ts'
import type { CgroupLayout } from '../../../lib/cgroup/types.ts'
import type { Resources } from '../../../types/index.ts'
import { HYBRID, lines, pointers, V1, V2 } from './machines.ts'

function plan(layout: CgroupLayout, resources: Resources, context = {}) {
  return limitSteps(locateCgroup(layout, 'c1', '/c1'), layout, resources, context)
}
/** The writes, without `write` and the container's directory. */
const writes = (layout: CgroupLayout, resources: Resources, context = {}) =>
  lines(plan(layout, resources, context).steps).map((line) => line.replace('write ', '').replace('c1/', ''))
const warned = (layout: CgroupLayout, resources: Resources) =>
  plan(layout, resources).warnings.map(({ path }) => path.replace('/linux/resources/', ''))

describe('memory', () => {
  test('v1', () => {
    expect(writes(V1, { memory: { limit: 100 } })).toEqual(['memory/memory.limit_in_bytes=100'])
    expect(writes(V1, { memory: { swap: 300 } })).toEqual(['memory/memory.memsw.limit_in_bytes=300'])
    expect(writes(V1, { memory: { limit: 100, swap: 300 } })).toEqual([
      'memory/memory.memsw.limit_in_bytes=300 [EINVAL]',
      'memory/memory.limit_in_bytes=100',
      'memory/memory.memsw.limit_in_bytes=300',
    ])
    expect(writes(V1, { memory: { limit: 100, swap: -1 } })).toEqual([
      'memory/memory.memsw.limit_in_bytes=-1',
      'memory/memory.limit_in_bytes=100',
    ])
    expect(writes(V1, { memory: { limit: -1 } })).toEqual([
      'memory/memory.memsw.limit_in_bytes=-1 [ENOENT]',
      'memory/memory.limit_in_bytes=-1',
    ])
    expect(
      writes(V1, {
        memory: { reservation: 5, swappiness: 0, disableOOMKiller: true, useHierarchy: true },
      }),
    ).toEqual([
      'memory/memory.soft_limit_in_bytes=5',
      'memory/memory.use_hierarchy=1',
      'memory/memory.oom_control=1',
      'memory/memory.swappiness=0',
    ])
  })

  test('v2', () => {
    expect(writes(V2, { memory: { limit: 100, swap: 300, reservation: 50 } })).toEqual([
      'memory.swap.max=200',
      'memory.max=100',
      'memory.low=50',
    ])
    expect(writes(V2, { memory: { limit: 100, swap: 100 } })).toEqual([
      'memory.swap.max=0 [ENOENT]',
      'memory.max=100',
    ])
    expect(writes(V2, { memory: { limit: -1 } })).toEqual(['memory.swap.max=max [ENOENT]', 'memory.max=max'])
    expect(writes(V2, { memory: { limit: 100, swap: -1 } })).toEqual([
      'memory.swap.max=max [ENOENT]',
      'memory.max=100',
    ])
    expect(writes(V2, { memory: { limit: 100 } })).toEqual(['memory.max=100'])
    expect(writes(V2, { memory: { reservation: -1 } })).toEqual(['memory.low=max'])
    expect(writes(V2, { memory: { swap: 300 } }, { current: { memory: { limit: 100 } } })).toEqual([
      'memory.swap.max=200',
    ])
  })

  test('0 and false leave everything as it is', () => {
    const nothing = { limit: 0, swap: 0, reservation: 0n, disableOOMKiller: false }
    expect(writes(V1, { memory: nothing })).toEqual([])
    expect(writes(V2, { memory: nothing })).toEqual([])
  })

  test('64-bit numbers keep their digits', () => {
    expect(writes(V1, { memory: { limit: 9_007_199_254_740_993n } })).toEqual([
      'memory/memory.limit_in_bytes=9007199254740993',
    ])
  })

  test.each<[string, CgroupLayout, Resources, string]>([
    ['swap below memory', V1, { memory: { limit: 200, swap: 100 } }, 'memory/swap'],
    ['swap below memory', V2, { memory: { limit: 200, swap: 100 } }, 'memory/swap'],
    ['swap alone', V2, { memory: { swap: 100 } }, 'memory/swap'],
    ['swappiness', V1, { memory: { swappiness: 101 } }, 'memory/swappiness'],
    ['no hierarchy', V2, { memory: { useHierarchy: false } }, 'memory/useHierarchy'],
  ])('%s is refused', (_, layout, resources, path) => {
    expect(() => plan(layout, resources)).toThrow(
      expect.objectContaining({ path: `/linux/resources/${path}` }),
    )
  })

  test('what is ignored is said', () => {
    expect(warned(V1, { memory: { kernel: 1, kernelTCP: -1 } })).toEqual([
      'memory/kernel',
      'memory/kernelTCP',
    ])
    expect(warned(V2, { memory: { kernel: 1, swappiness: 60, disableOOMKiller: true } })).toEqual([
      'memory/swappiness',
      'memory/disableOOMKiller',
      'memory/kernel',
    ])
  })
})

describe('cpu', () => {
  test('v1', () => {
    expect(writes(V1, { cpu: { shares: 512, quota: 5000, period: 10_000, burst: 100 } })).toEqual([
      'cpu,cpuacct/cpu.shares=512',
      'cpu,cpuacct/cpu.cfs_period_us=10000 [EINVAL]',
      'cpu,cpuacct/cpu.cfs_burst_us=100 [ENOENT EINVAL]',
      'cpu,cpuacct/cpu.cfs_quota_us=5000',
      'cpu,cpuacct/cpu.cfs_period_us=10000',
      'cpu,cpuacct/cpu.cfs_burst_us=100 [ENOENT]',
    ])
    expect(writes(V1, { cpu: { quota: -1 } })).toEqual(['cpu,cpuacct/cpu.cfs_quota_us=-1'])
    expect(writes(V1, { cpu: { period: 10_000 } })).toEqual(['cpu,cpuacct/cpu.cfs_period_us=10000'])
    expect(writes(V1, { cpu: { burst: 0 } })).toEqual(['cpu,cpuacct/cpu.cfs_burst_us=0 [ENOENT]'])
    expect(writes(V1, { cpu: { realtimePeriod: 20, realtimeRuntime: 10 } })).toEqual([
      'cpu,cpuacct/cpu.rt_period_us=20 [EINVAL]',
      'cpu,cpuacct/cpu.rt_runtime_us=10',
      'cpu,cpuacct/cpu.rt_period_us=20',
    ])
  })

  test('v2', () => {
    expect(writes(V2, { cpu: { shares: 512, quota: 5000, period: 10_000, burst: 100 } })).toEqual([
      'cpu.weight=59',
      'cpu.max.burst=100 [EINVAL]',
      'cpu.max=5000 10000',
      'cpu.max.burst=100',
    ])
    expect(writes(V2, { cpu: { quota: 5000 } })).toEqual(['cpu.max=5000'])
    expect(writes(V2, { cpu: { quota: -1, period: 10_000 } })).toEqual(['cpu.max=max 10000'])
    expect(writes(V2, { cpu: { period: 10_000 } })).toEqual(['cpu.max=max 10000'])
    expect(writes(V2, { cpu: { period: 10_000 } }, { current: { cpu: { quota: 5000 } } })).toEqual([
      'cpu.max=5000 10000',
    ])
    expect(writes(V2, { cpu: { burst: 7 } })).toEqual(['cpu.max.burst=7'])
  })

  test('an idle cgroup has no weight', () => {
    expect(writes(V1, { cpu: { idle: 1, shares: 512 } })).toEqual(['cpu,cpuacct/cpu.idle=1'])
    expect(writes(V2, { cpu: { idle: 1n, shares: 512 } })).toEqual(['cpu.idle=1'])
    // First it must not be idle any more.
    expect(writes(V1, { cpu: { idle: 0, shares: 512 } })).toEqual([
      'cpu,cpuacct/cpu.idle=0',
      'cpu,cpuacct/cpu.shares=512',
    ])
    expect(writes(V2, { cpu: { idle: 0, shares: 512 } })).toEqual(['cpu.idle=0', 'cpu.weight=59'])
  })

  test('0 leaves everything as it is', () => {
    const nothing = {
      shares: 0,
      quota: 0,
      period: 0,
      realtimePeriod: 0,
      realtimeRuntime: 0,
      cpus: '',
      mems: '',
    }
    expect(writes(V1, { cpu: nothing })).toEqual([])
    expect(writes(V2, { cpu: nothing })).toEqual([])
  })

  test('shares that the kernel would clamp', () => {
    for (const shares of [1, 262_145]) {
      expect(() => plan(V1, { cpu: { shares } })).toThrow(
        expect.objectContaining({
          path: '/linux/resources/cpu/shares',
          message: expect.stringContaining('allowed cpu-shares is'),
        }),
      )
    }
  })

  test('v2 has no real-time limits', () => {
    expect(writes(V2, { cpu: { realtimePeriod: 20, realtimeRuntime: 10 } })).toEqual([])
    expect(warned(V2, { cpu: { realtimePeriod: 20, realtimeRuntime: 10 } })).toEqual([
      'cpu/realtimeRuntime',
      'cpu/realtimePeriod',
    ])
  })

  test('cpuset', () => {
    expect(writes(V1, { cpu: { cpus: '0-1', mems: '0' } })).toEqual([
      'cpuset/cpuset.cpus=0-1',
      'cpuset/cpuset.mems=0',
    ])
    expect(writes(V2, { cpu: { cpus: '0-1' } })).toEqual(['cpuset.cpus=0-1'])
    const android = {
      ...V1,
      v1: V1.v1.map((h) => (h.controllers[0] === 'cpuset' ? { ...h, noPrefix: true } : h)),
    }
    expect(writes(android, { cpu: { cpus: '0' } })).toEqual(['cpuset/cpus=0'])
  })
})

describe('pids', () => {
  test.each([
    [100, '100'],
    [0, '1'],
    [-1, 'max'],
    [2n ** 60n, '1152921504606846976'],
  ])('%s is %s', (limit, text) => {
    expect(writes(V1, { pids: { limit } })).toEqual([`pids/pids.max=${text}`])
    expect(writes(V2, { pids: { limit } })).toEqual([`pids.max=${text}`])
  })
})

describe('block devices', () => {
  const throttles = {
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 16, rate: 2 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
    throttleWriteIOPSDevice: [
      { major: 8, minor: 0, rate: 4 },
      { major: 9, minor: 1, rate: 0 },
    ],
  }

  test('v1', () => {
    expect(writes(V1, { blockIO: throttles })).toEqual([
      'blkio/blkio.throttle.read_bps_device=8:0 1',
      'blkio/blkio.throttle.write_bps_device=8:16 2',
      'blkio/blkio.throttle.read_iops_device=8:0 3',
      'blkio/blkio.throttle.write_iops_device=8:0 4',
      'blkio/blkio.throttle.write_iops_device=9:1 0',
    ])
    expect(
      writes(V1, {
        blockIO: {
          weight: 10,
          leafWeight: 20,
          weightDevice: [{ major: 8, minor: 0, weight: 30, leafWeight: 40 }],
        },
      }),
    ).toEqual([
      'blkio/blkio.weight=10 [ENOENT]',
      '|| blkio/blkio.bfq.weight=10',
      'blkio/blkio.leaf_weight=20',
      'blkio/blkio.weight_device=8:0 30 [ENOENT]',
      '|| blkio/blkio.bfq.weight_device=8:0 30',
      'blkio/blkio.leaf_weight_device=8:0 40',
    ])
  })

  test('v2', () => {
    expect(writes(V2, { blockIO: throttles })).toEqual([
      'io.max=8:0 rbps=1',
      'io.max=8:16 wbps=2',
      'io.max=8:0 riops=3',
      'io.max=8:0 wiops=4',
      'io.max=9:1 wiops=max',
    ])
    const weights = { weight: 500, weightDevice: [{ major: 8, minor: 0, weight: 1000, leafWeight: 5 }] }
    expect(writes(V2, { blockIO: weights })).toEqual([
      'io.bfq.weight=500 [ENOENT]',
      '|| io.weight=4950',
      'io.bfq.weight=8:0 1000 [ENOENT]',
      '|| io.weight=8:0 10000',
    ])
    expect(warned(V2, { blockIO: weights })).toEqual(['blockIO'])
  })

  test('pointers name the device', () => {
    expect(pointers(plan(V2, { blockIO: throttles }).steps).at(-1)).toBe(
      '/linux/resources/blockIO/throttleWriteIOPSDevice/1',
    )
  })
})

describe('huge pages', () => {
  test('those in use and those reserved', () => {
    const hugepageLimits = [{ pageSize: '2MB', limit: 2n ** 40n }]
    expect(writes(V1, { hugepageLimits })).toEqual([
      'hugetlb/hugetlb.2MB.limit_in_bytes=1099511627776',
      'hugetlb/hugetlb.2MB.rsvd.limit_in_bytes=1099511627776 [ENOENT]',
    ])
    expect(writes(V2, { hugepageLimits })).toEqual([
      'hugetlb.2MB.max=1099511627776',
      'hugetlb.2MB.rsvd.max=1099511627776 [ENOENT]',
    ])
  })

  test.each(['2MB/../../memory/x', '2MiB', '', '0MB', '2MB\n', '../2MB'])('%j is no size', (pageSize) => {
    expect(() =>
      plan(V2, {
        hugepageLimits: [
          { pageSize: '2MB', limit: 1 },
          { pageSize, limit: 1 },
        ],
      }),
    ).toThrow(
      expect.objectContaining({
        code: 'ERR_OCI_CONFIG_INVALID',
        path: '/linux/resources/hugepageLimits/1/pageSize',
      }),
    )
  })

  test('sizes that the kernel does not have', () => {
    const resources = { hugepageLimits: [{ pageSize: '3MB', limit: 1 }] }
    expect(() => plan(V2, resources, { hugePageSizes: ['2MB', '1GB'] })).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', hint: 'it has: 2MB, 1GB' }),
    )
  })
})

describe('network', () => {
  const network = { classID: 1_048_577, priorities: [{ name: 'eth0', priority: 5 }] }

  test('v1', () => {
    expect(writes(V1, { network })).toEqual([
      'net_cls,net_prio/net_cls.classid=1048577',
      'net_cls,net_prio/net_prio.ifpriomap=eth0 5',
    ])
    expect(writes(V1, { network: { classID: 0 } })).toEqual([])
    expect(() => plan(V1, { network: { priorities: [{ name: 'a b', priority: 1 }] } })).toThrow(
      expect.objectContaining({ path: '/linux/resources/network/priorities/0/name' }),
    )
  })

  test('v2 has nothing of the kind', () => {
    expect(writes(V2, { network })).toEqual([])
    expect(warned(V2, { network })).toEqual(['network/classID', 'network/priorities/0'])
  })
})

describe('rdma', () => {
  test('what is not given is not written', () => {
    const rdma = {
      mlx5_1: { hcaHandles: 3, hcaObjects: 10_000 },
      mlx4_0: { hcaObjects: 1 },
      rxe3: { hcaHandles: 2 },
    }
    const expected = ['mlx5_1 hca_handle=3 hca_object=10000', 'mlx4_0 hca_object=1', 'rxe3 hca_handle=2']
    expect(writes(V1, { rdma })).toEqual(expected.map((text) => `rdma/rdma.max=${text}`))
    expect(writes(V2, { rdma })).toEqual(expected.map((text) => `rdma.max=${text}`))
  })

  test('neither, or a name that could say more', () => {
    expect(() => plan(V2, { rdma: { 'a/b': {} } })).toThrow(
      expect.objectContaining({ path: '/linux/resources/rdma/a~1b' }),
    )
    expect(() => plan(V2, { rdma: { 'a hca_handle=9': { hcaHandles: 1 } } })).toThrow()
  })
})

describe('unified', () => {
  test('a write a line, after all others', () => {
    expect(
      writes(V2, {
        unified: { 'io.max': '8:0 rbps=1\n8:16 rbps=2\n', 'memory.high': '100', 'memory.oom.group': '1' },
        pids: { limit: 5 },
      }),
    ).toEqual([
      'pids.max=5',
      'io.max=8:0 rbps=1',
      'io.max=8:16 rbps=2',
      'memory.high=100',
      'memory.oom.group=1',
    ])
  })

  test('files of the core and of pressure need no controller', () => {
    expect(writes(V2, { unified: { 'cgroup.max.depth': '2', 'irq.pressure': 'some 1 2' } })).toEqual([
      'cgroup.max.depth=2',
      'irq.pressure=some 1 2',
    ])
  })

  test.each([
    ['../memory.max', 'ERR_OCI_CONFIG_INVALID'],
    ['a/b.c', 'ERR_OCI_CONFIG_INVALID'],
    ['memory', 'ERR_OCI_CONFIG_INVALID'],
    ['..', 'ERR_OCI_CONFIG_INVALID'],
    ['cgroup.freeze', 'ERR_OCI_CONFIG_INVALID'],
    ['cgroup.procs', 'ERR_OCI_CONFIG_INVALID'],
    ['cgroup.kill', 'ERR_OCI_CONFIG_INVALID'],
    ['nonesuch.max', 'ERR_OCI_UNSUPPORTED'],
  ])('%s is refused', (file, code) => {
    const path = `/linux/resources/unified/${file.replaceAll('/', '~1')}`
    expect(() => plan(V2, { unified: { [file]: '1' } })).toThrow(expect.objectContaining({ code, path }))
  })

  test('not on v1; on a hybrid host for what its v2 side has', () => {
    expect(() => plan(V1, { unified: { 'memory.max': '1' } })).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: '/linux/resources/unified' }),
    )
    expect(() => plan(HYBRID, { unified: { 'memory.max': '1' } })).toThrow(
      expect.objectContaining({ path: '/linux/resources/unified/memory.max' }),
    )
    expect(writes(HYBRID, { unified: { 'hugetlb.2MB.max': '0' } })).toEqual(['unified/hugetlb.2MB.max=0'])
    expect(writes(V1, { unified: {} })).toEqual([])
  })
})

describe('controllers that are not there', () => {
  test('hybrid: by whichever side has it', () => {
    expect(writes(HYBRID, { hugepageLimits: [{ pageSize: '2MB', limit: 1 }], pids: { limit: 1 } })).toEqual([
      'pids/pids.max=1',
      'unified/hugetlb.2MB.max=1',
      'unified/hugetlb.2MB.rsvd.max=1 [ENOENT]',
    ])
  })

  test.each<[Resources, string]>([
    [{ blockIO: { weight: 100 } }, 'blockIO/weight'],
    [
      { blockIO: { throttleReadBpsDevice: [{ major: 1, minor: 1, rate: 1 }] } },
      'blockIO/throttleReadBpsDevice',
    ],
    [{ rdma: { a: { hcaHandles: 1 } } }, 'rdma'],
    [{ network: { classID: 1 } }, 'network/classID'],
  ])('%o', (resources, path) => {
    expect(() => plan(HYBRID, resources)).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: `/linux/resources/${path}` }),
    )
  })

  test('no cgroup at all: limits are refused, nothing is not', () => {
    expect(() => limitSteps(DISABLED_LOCATION, V2, { pids: { limit: 1 } })).toThrow(
      expect.objectContaining({ path: '/linux/resources/pids/limit' }),
    )
    expect(limitSteps(DISABLED_LOCATION, V2, { memory: { limit: 0 }, devices: [] }).steps).toEqual([])
  })
})
