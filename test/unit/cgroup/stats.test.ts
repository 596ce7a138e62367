import { describe, expect, test } from 'vitest'
import { locateCgroup } from '../../../lib/cgroup/location.ts'
import { parseStats, statsFiles, statsSteps, type Texts } from '../../../lib/cgroup/stats/index.ts'
import { HYBRID, V1, V2 } from './machines.ts'

const SIZES = ['2MB']
const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
eth0.1-x:4294967296000 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`
const PRESSURE =
  'some avg10=1.50 avg60=0.87 avg300=0.00 total=154509\nfull avg10=0.25 avg60=0.00 avg300=0.00 total=42\n'

describe('files', () => {
  const names = (layout: typeof V1) => {
    const files = statsFiles(locateCgroup(layout, 'c1', '/c1'), layout, SIZES)
    for (const { name, path } of files) expect(path.endsWith(`/c1/${name}`)).toBe(true)
    const unique = new Set(files.map(({ name }) => name))
    expect(unique.size).toBe(files.length)
    return new Map(files.map(({ name, path }) => [name, path]))
  }

  test('v1, v2, and each controller’s side of a hybrid', () => {
    expect(names(V1).get('cpuacct.usage')).toBe('/sys/fs/cgroup/cpu,cpuacct/c1/cpuacct.usage')
    expect(names(V1).has('memory.pressure')).toBe(false)
    expect(names(V2).get('memory.current')).toBe('/sys/fs/cgroup/c1/memory.current')
    const hybrid = names(HYBRID)
    expect(hybrid.get('memory.usage_in_bytes')).toBe('/sys/fs/cgroup/memory/c1/memory.usage_in_bytes')
    expect(hybrid.get('hugetlb.2MB.rsvd.current')).toBe('/sys/fs/cgroup/unified/c1/hugetlb.2MB.rsvd.current')
    expect(hybrid.get('cpu.pressure')).toBe('/sys/fs/cgroup/unified/c1/cpu.pressure')
    expect(hybrid.get('cpu.stat')).toBe('/sys/fs/cgroup/cpu/c1/cpu.stat')
    expect(hybrid.has('memory.current')).toBe(false)
  })

  test('a file that is missing is no failure', () => {
    const steps = statsSteps([{ name: 'x', path: '/sys/fs/cgroup/x' }])
    expect(steps).toMatchObject([{ op: 'read', path: '/sys/fs/cgroup/x', ignore: [2, 19, 95] }])
  })
})

test('nothing to read: nothing is said', () => {
  expect(parseStats({}, SIZES)).toEqual({})
  const empty = Object.fromEntries(
    statsFiles(locateCgroup(V1, 'c1', '/c1'), V1, SIZES).map(({ name }) => [name, '']),
  )
  expect(parseStats(empty, SIZES)).toEqual({})
})

test('v1', () => {
  const texts: Texts = {
    'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 123456\nnr_bursts 1\nburst_time 5\n',
    'cpuacct.usage': '5000000001\n',
    'cpuacct.usage_user': '4000000000\n',
    'cpuacct.usage_sys': '1000000001\n',
    'cpuacct.usage_percpu': '3000000001 2000000000 \n',
    'cpuacct.usage_all': 'cpu user system\n0 3000000000 1\n1 1000000000 1000000000\n',
    'cpuset.cpus': '0-1,3\n',
    'cpuset.mems': '0\n',
    'cpuset.cpu_exclusive': '1\n',
    'cpuset.sched_relax_domain_level': '-1\n',
    'memory.numa_stat': 'total=7 N0=4 N1=3\nhierarchical_total=7 N0=4 N1=3\nnuma_exectime 0\n',
    'memory.stat': 'cache 4096\nrss 8192\ntotal_cache 4096\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    'memory.usage_in_bytes': '20480\n',
    'memory.max_usage_in_bytes': '30000\n',
    'memory.failcnt': '4\n',
    'memory.limit_in_bytes': '1048576\n',
    'memory.memsw.usage_in_bytes': '24576\n',
    'memory.memsw.max_usage_in_bytes': '40000\n',
    'memory.memsw.failcnt': '5\n',
    'memory.memsw.limit_in_bytes': '9223372036854771712\n',
    'memory.kmem.usage_in_bytes': '100\n',
    'memory.kmem.max_usage_in_bytes': '200\n',
    'memory.kmem.failcnt': '0\n',
    'pids.current': '7\n',
    'pids.max': 'max\n',
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 100\n8:0 Write 0\n8:0 Total 100\nTotal 100\n',
    'blkio.throttle.io_serviced_recursive': '8:0 Read 2\n8:0 Total 2\nTotal 2\n',
    'blkio.bfq.io_service_bytes_recursive': 'Total 0\n',
    'hugetlb.2MB.usage_in_bytes': '2097152\n',
    'hugetlb.2MB.max_usage_in_bytes': '4194304\n',
    'hugetlb.2MB.failcnt': '1\n',
  }
  expect(parseStats(texts, SIZES)).toEqual({
    cpu: {
      usageNs: 5_000_000_001,
      userNs: 4_000_000_000,
      systemNs: 1_000_000_001,
      perCpuNs: [3_000_000_001, 2_000_000_000],
      perCpuUserNs: [3_000_000_000, 1_000_000_000],
      perCpuSystemNs: [1, 1_000_000_000],
      throttling: { periods: 10, throttledPeriods: 3, throttledNs: 123_456 },
      bursts: { periods: 1, burstNs: 5 },
    },
    cpuset: {
      cpus: [0, 1, 3],
      mems: [0],
      flags: { cpu_exclusive: 1, sched_relax_domain_level: -1 },
    },
    memory: {
      usageBytes: 20_480,
      maxUsageBytes: 30_000,
      limitBytes: 1_048_576,
      failures: 4,
      cacheBytes: 4096,
      swap: { usageBytes: 4096, limitBytes: null, failures: 1 },
      memorySwap: { usageBytes: 24_576, maxUsageBytes: 40_000, limitBytes: null, failures: 5 },
      kernel: { usageBytes: 100, maxUsageBytes: 200, limitBytes: null, failures: 0 },
      oomKills: 2,
      stat: { cache: 4096, rss: 8192, total_cache: 4096 },
      numa: { total: { total: 7, N0: 4, N1: 3 }, hierarchical_total: { total: 7, N0: 4, N1: 3 } },
    },
    pids: { current: 7, limit: null },
    io: {
      bytes: [
        { major: 8, minor: 0, op: 'Read', value: 100 },
        { major: 8, minor: 0, op: 'Write', value: 0 },
        { major: 8, minor: 0, op: 'Total', value: 100 },
      ],
      operations: [
        { major: 8, minor: 0, op: 'Read', value: 2 },
        { major: 8, minor: 0, op: 'Total', value: 2 },
      ],
    },
    hugetlb: { '2MB': { usageBytes: 2_097_152, maxUsageBytes: 4_194_304, failures: 1 } },
  })
})

test('v2', () => {
  const texts: Texts = {
    'cpu.stat':
      'usage_usec 500\nuser_usec 300\nsystem_usec 200\nnice_usec 7\ncore_sched.force_idle_usec 8\nnr_periods 4\nnr_throttled 2\nthrottled_usec 9\nnr_bursts 0\nburst_usec 0\n',
    'cpu.pressure': PRESSURE,
    'cpuset.cpus.effective': '0\n',
    'cpuset.mems.effective': '0\n',
    'memory.stat': 'anon 10\nfile 20\n',
    'memory.events': 'low 0\nhigh 0\nmax 6\noom 1\noom_kill 1\n',
    'memory.current': '100\n',
    'memory.peak': '150\n',
    'memory.max': '200\n',
    'memory.pressure': PRESSURE.split('\n')[0],
    'memory.swap.current': '0\n',
    'memory.swap.max': 'max\n',
    'memory.swap.events': 'high 0\nmax 0\nfail 0\n',
    'pids.current': '2\n',
    'pids.max': '64\n',
    'pids.peak': '9\n',
    'pids.events': 'max 3\n',
    'memory.zswap.current': '12\n',
    'memory.zswap.max': 'max\n',
    'memory.numa_stat': 'anon N0=10 N1=0\nfile N0=20 N1=0\n',
    'misc.current': 'sev 2\nsev_es 0\n',
    'misc.max': 'sev max\nsev_es 10\n',
    'misc.peak': 'sev 5\nsev_es 0\n',
    'misc.events': 'sev.max 1\nsev_es.max 0\n',
    'net/dev': NET_DEV,
    'io.stat':
      '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7\n254:16 \n259:0 rbytes=9 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n',
    'hugetlb.2MB.rsvd.current': '4194304\n',
    'hugetlb.2MB.current': '0\n',
    'hugetlb.2MB.events': 'max 3\n',
    'rdma.current': 'mlx5_0 hca_handle=1 hca_object=20\n',
    'rdma.max': 'mlx5_0 hca_handle=max hca_object=2000\n',
  }
  const stats = parseStats(texts, SIZES)
  const some = { avg10: 1.5, avg60: 0.87, avg300: 0, totalUs: 154_509 }
  expect(stats.cpu).toEqual({
    usageNs: 500_000,
    userNs: 300_000,
    systemNs: 200_000,
    niceNs: 7000,
    forcedIdleNs: 8000,
    throttling: { periods: 4, throttledPeriods: 2, throttledNs: 9000 },
    bursts: { periods: 0, burstNs: 0 },
    pressure: { some, full: { avg10: 0.25, avg60: 0, avg300: 0, totalUs: 42 } },
  })
  expect(stats.memory).toEqual({
    usageBytes: 100,
    maxUsageBytes: 150,
    limitBytes: 200,
    failures: 6,
    cacheBytes: 20,
    swap: { usageBytes: 0, limitBytes: null, failures: 0 },
    zswap: { usageBytes: 12, limitBytes: null },
    oomKills: 1,
    events: { low: 0, high: 0, max: 6, oom: 1, oom_kill: 1 },
    numa: { anon: { N0: 10, N1: 0 }, file: { N0: 20, N1: 0 } },
    stat: { anon: 10, file: 20 },
    pressure: { some },
  })
  expect(stats.pids).toEqual({ current: 2, limit: 64, peak: 9, failures: 3 })
  expect(stats.misc).toEqual({
    sev: { current: 2, limit: null, peak: 5, failures: 1 },
    sev_es: { current: 0, limit: 10, peak: 0, failures: 0 },
  })
  expect(stats.io?.devices).toEqual({
    '8:0': { rbytes: 1, wbytes: 2, rios: 3, wios: 4, dbytes: 5, dios: 6, 'cost.usage': 7 },
    '254:16': {},
    '259:0': { rbytes: 9, wbytes: 0, rios: 1, wios: 0, dbytes: 0, dios: 0 },
  })
  const none = { rxBytes: 0, rxPackets: 0, rxErrors: 0, rxDropped: 0 }
  expect(stats.network).toEqual([
    { name: 'lo', ...none, txBytes: 0, txPackets: 0, txErrors: 0, txDropped: 0 },
    {
      name: 'eth0.1-x',
      rxBytes: 4_294_967_296_000,
      rxPackets: 2,
      rxErrors: 3,
      rxDropped: 4,
      txBytes: 9,
      txPackets: 10,
      txErrors: 11,
      txDropped: 12,
    },
  ])
  expect(stats.io?.bytes.filter(({ major }) => major === 8)).toEqual([
    { major: 8, minor: 0, op: 'Read', value: 1 },
    { major: 8, minor: 0, op: 'Write', value: 2 },
    { major: 8, minor: 0, op: 'Discard', value: 5 },
  ])
  expect(stats.io?.operations.find(({ major }) => major === 259)).toMatchObject({ op: 'Read', value: 1 })
  expect(stats.hugetlb).toEqual({ '2MB': { usageBytes: 4_194_304, failures: 3 } })
  expect(stats.rdma).toEqual({
    mlx5_0: { handles: { current: 1, limit: null }, objects: { current: 20, limit: 2000 } },
  })
})

test('v1: every table that the scheduler has', () => {
  const line = (value: number) => `8:16 Read ${value}\nTotal ${value}\n`
  const table = (value: number) => [{ major: 8, minor: 16, op: 'Read', value }]
  const texts: Texts = {
    'blkio.throttle.io_service_bytes_recursive': line(99),
    'blkio.bfq.io_service_bytes_recursive': line(1),
    'blkio.bfq.io_serviced_recursive': line(2),
    'blkio.bfq.io_queued_recursive': line(3),
    'blkio.bfq.io_service_time_recursive': line(4),
    'blkio.bfq.io_wait_time_recursive': line(5),
    'blkio.bfq.io_merged_recursive': line(6),
    'blkio.bfq.time_recursive': '8:16 7\n',
    'blkio.bfq.sectors_recursive': '8:16 8\n',
  }
  const without = (value: number) => [{ major: 8, minor: 16, op: '', value }]
  expect(parseStats(texts).io).toEqual({
    bytes: table(1),
    operations: table(2),
    queued: table(3),
    serviceTimeNs: table(4),
    waitTimeNs: table(5),
    merged: table(6),
    timeMs: without(7),
    sectors: without(8),
  })
  // Before Linux 5.0 the throttle layer counts nothing of what is below.
  expect(parseStats({ 'blkio.throttle.io_service_bytes': line(1) }).io).toEqual({
    bytes: table(1),
    operations: [],
  })
  const files = new Set(statsFiles(locateCgroup(V1, 'c1', '/c1'), V1, SIZES).map(({ name }) => name))
  expect(Object.keys(texts).filter((name) => !files.has(name))).toEqual([])
})

test('a cpuset without prefixes: its files are found', () => {
  const v1 = V1.v1.map((one) => (one.controllers.includes('cpuset') ? { ...one, noPrefix: true } : one))
  const layout = { ...V1, v1 }
  const files = statsFiles(locateCgroup(layout, 'c1', '/c1'), layout, SIZES)
  expect(files.find(({ name }) => name === 'cpuset.cpus')?.path).toBe('/sys/fs/cgroup/cpuset/c1/cpus')
})

test('v2 without the pids controller: processes are counted', () => {
  expect(parseStats({ 'cgroup.procs': '', 'cgroup.threads': '1\n5\n6\n' }).pids).toMatchObject({ current: 3 })
  expect(parseStats({ 'cgroup.procs': '1\n5\n' }).pids).toEqual({ current: 2, limit: null })
})
