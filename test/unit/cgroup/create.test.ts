import { describe, expect, test } from 'vitest'
import { type CreateCgroupOptions, createCgroup } from '../../../lib/cgroup/create.ts'
import { DISABLED_LOCATION, locateCgroup } from '../../../lib/cgroup/location.ts'
import type { CgroupLayout } from '../../../lib/cgroup/types.ts'
import { STEPS } from '../../../lib/plan/steps.ts'
import type { Resources } from '../../../types/index.ts'
import { runDeviceProgram } from './bpf.ts'
import { HYBRID, lines, V1, V2 } from './machines.ts'

const root = { rootless: false }
const create = (
  layout: CgroupLayout,
  path?: string,
  resources?: Resources,
  options: Partial<CreateCgroupOptions> = {},
) => createCgroup(locateCgroup(layout, 'c1', path), layout, resources, { ...root, ...options })

const DEFAULT_DEVICES = [
  'write devices/c1/devices.deny=a *:* rwm',
  'open devices/c1/devices.allow to=63',
  ...['c *:* m', 'b *:* m', 'c 1:3 rwm', 'c 1:5 rwm', 'c 1:7 rwm', 'c 1:8 rwm', 'c 1:9 rwm', 'c 5:0 rwm']
    .concat(['c 5:2 rwm', 'c 136:* rwm', 'c 10:200 rwm'])
    .map((text) => `writeFd =${text} slot=63`),
  'close slot=63',
]

describe('hybrid', () => {
  test('every step of a container with all kinds of limits', () => {
    const { make, limits, open, joinSlots, cloneSlot, optional, warnings } = create(HYBRID, '/c1', {
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: 100, swap: 300, reservation: 50, swappiness: 10 },
      cpu: { shares: 512, quota: 5000, period: 10_000, cpus: '0', mems: '0' },
      pids: { limit: 7 },
      hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
    })
    const made = (dir: string) => [`mkdir ${dir}/c1 parents [EEXIST]`, `|| checkCgroupEmpty ${dir}/c1 v1`]
    expect(lines(make)).toEqual([
      ...made('cpu'),
      ...made('cpuset'),
      'copy cpuset/cpuset.cpus cpuset/c1/cpuset.cpus onlyIfEmpty',
      'copy cpuset/cpuset.mems cpuset/c1/cpuset.mems onlyIfEmpty',
      ...made('memory'),
      ...made('devices'),
      ...made('freezer'),
      ...made('pids'),
      'mkdir systemd/c1 parents existOk [EEXIST]',
      'open unified/cgroup.subtree_control to=63',
      'writeFd =+hugetlb slot=63 [ENOENT EBUSY EINVAL EOPNOTSUPP]',
      'close slot=63',
      'mkdir unified/c1 parents [EEXIST]',
      '|| checkCgroupEmpty unified/c1',
    ])
    expect(lines(limits)).toEqual([
      'write pids/c1/pids.max=7',
      'write memory/c1/memory.memsw.limit_in_bytes=300 [EINVAL]',
      'write memory/c1/memory.limit_in_bytes=100',
      'write memory/c1/memory.memsw.limit_in_bytes=300',
      'write memory/c1/memory.soft_limit_in_bytes=50',
      'write memory/c1/memory.swappiness=10',
      'write cpu/c1/cpu.shares=512',
      'write cpu/c1/cpu.cfs_period_us=10000 [EINVAL]',
      'write cpu/c1/cpu.cfs_quota_us=5000',
      'write cpu/c1/cpu.cfs_period_us=10000',
      'write cpuset/c1/cpuset.cpus=0',
      'write cpuset/c1/cpuset.mems=0',
      'write unified/c1/hugetlb.2MB.max=0',
      'write unified/c1/hugetlb.2MB.rsvd.max=0 [ENOENT]',
      ...DEFAULT_DEVICES,
    ])
    const dirs = ['cpu', 'cpuset', 'memory', 'devices', 'freezer', 'pids', 'systemd', 'unified']
    expect(lines(open)).toEqual(dirs.map((dir, index) => `open ${dir}/c1/cgroup.procs to=${32 + index}`))
    expect(joinSlots).toEqual(dirs.map((_, index) => 32 + index))
    expect({ cloneSlot, optional, warnings }).toEqual({ cloneSlot: null, optional: false, warnings: [] })
  })

  test('without limits the v2 side is only joined', () => {
    const { make, limits } = create(HYBRID)
    expect(lines(make).filter((line) => line.includes('unified'))).toEqual([
      'mkdir unified/c1 parents [EEXIST]',
      '|| checkCgroupEmpty unified/c1',
    ])
    expect(lines(limits)).toEqual(DEFAULT_DEVICES)
  })
})

describe('v1', () => {
  test('a cpuset is filled at each new level, and nowhere else', () => {
    const cpuset = (layout: CgroupLayout, path?: string) =>
      lines(create(layout, path).make).filter((line) => line.includes('cpuset/'))
    expect(cpuset(V1, '/a/b/c')).toEqual([
      'mkdir cpuset/a existOk',
      'copy cpuset/cpuset.cpus cpuset/a/cpuset.cpus onlyIfEmpty',
      'copy cpuset/cpuset.mems cpuset/a/cpuset.mems onlyIfEmpty',
      'mkdir cpuset/a/b existOk',
      'copy cpuset/a/cpuset.cpus cpuset/a/b/cpuset.cpus onlyIfEmpty',
      'copy cpuset/a/cpuset.mems cpuset/a/b/cpuset.mems onlyIfEmpty',
      'mkdir cpuset/a/b/c parents [EEXIST]',
      '|| checkCgroupEmpty cpuset/a/b/c v1',
      'copy cpuset/a/b/cpuset.cpus cpuset/a/b/c/cpuset.cpus onlyIfEmpty',
      'copy cpuset/a/b/cpuset.mems cpuset/a/b/c/cpuset.mems onlyIfEmpty',
    ])
    const own = (at: string) => ({
      ...V1,
      v1: V1.v1.map((h) => (h.controllers[0] === 'cpuset' ? { ...h, own: at } : h)),
    })
    expect(cpuset(own('/deep/down'))).toHaveLength(4)
    expect(cpuset(own('/deep/down'), '/deep/other')).toHaveLength(7)
  })

  test('one directory for controllers that are mounted together', () => {
    const { open } = create(V1)
    expect(lines(open).filter((line) => line.includes('cpu,cpuacct'))).toHaveLength(1)
    expect(open).toHaveLength(11)
  })

  test('a cgroup that is handed over is for v2 alone', () => {
    expect(
      create(HYBRID, '/c1', undefined, { delegate: { uid: 5, files: [] } }).make.map(({ op }) => op),
    ).not.toContain('chown')
  })

  test('without devices nothing would keep the container from them', () => {
    const layout = { ...V1, v1: V1.v1.filter(({ controllers }) => !controllers.includes('devices')) }
    expect(() => create(layout)).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: '/linux/resources/devices' }),
    )
    expect(create(layout, undefined, undefined, { rootless: true }).limits).toEqual([])
    // The v2 side does it as well.
    const mixed = { ...HYBRID, v1: HYBRID.v1.filter(({ controllers }) => !controllers.includes('devices')) }
    expect(lines(create(mixed, '/c1').limits)).toEqual(['deviceBpf unified/c1'])
  })

  test('everything allowed but for one', () => {
    const { limits } = create(HYBRID, '/c1', {
      devices: [{ allow: true }, { allow: false, type: 'b', major: 8, access: 'w' }],
    })
    expect(lines(limits)).toEqual([
      'write devices/c1/devices.allow=a *:* rwm',
      'open devices/c1/devices.deny to=63',
      'writeFd =b 8:* w slot=63',
      'close slot=63',
    ])
    expect(lines(create(HYBRID, '/c1', { devices: [{ allow: true }] }).limits)).toEqual([
      'write devices/c1/devices.allow=a *:* rwm',
    ])
  })
})

describe('v2', () => {
  const enable = (dir: string) => [
    `open ${dir}cgroup.subtree_control to=63`,
    ...['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'].map(
      (name) => `writeFd =+${name} slot=63 [ENOENT EBUSY EINVAL EOPNOTSUPP]`,
    ),
    'close slot=63',
  ]

  test('controllers are handed on from every level above, not from the container’s own', () => {
    const { make, open, joinSlots, cloneSlot } = create(V2, '/pods/c1', { pids: { limit: 1 } })
    expect(lines(make)).toEqual([
      'mkdir pods parents existOk',
      ...enable(''),
      ...enable('pods/'),
      'mkdir pods/c1 parents [EEXIST]',
      '|| checkCgroupEmpty pods/c1',
    ])
    // Init joins too: a launch that could not be born in the cgroup must not stay outside.
    expect(lines(open)).toEqual(['open pods/c1/cgroup.procs to=32', 'open pods/c1 to=13'])
    expect({ joinSlots, cloneSlot }).toEqual({ joinSlots: [32], cloneSlot: 13 })
    const old = create(V2, '/pods/c1', undefined, { cloneIntoCgroup: false })
    expect({ open: lines(old.open), cloneSlot: old.cloneSlot }).toEqual({
      open: ['open pods/c1/cgroup.procs to=32'],
      cloneSlot: null,
    })
  })

  test('every limit of a full config', () => {
    const { limits } = create(V2, '/c1', {
      devices: [{ allow: false }, { allow: true, type: 'c', major: 10, minor: 232, access: 'rw' }],
      memory: { limit: 100, swap: 300, reservation: 50 },
      cpu: { shares: 1024, quota: 5000, period: 10_000, cpus: '0', mems: '0', idle: 0 },
      pids: { limit: -1 },
      blockIO: { weight: 500, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] },
      hugepageLimits: [{ pageSize: '1GB', limit: 9 }],
      rdma: { mlx5: { hcaHandles: 1 } },
      unified: { 'memory.high': '90' },
    })
    expect(lines(limits).map((line) => line.replaceAll(/=[^=]*\p{Cc}.*$/gu, ''))).toEqual([
      'write c1/pids.max=max',
      'write c1/memory.swap.max=200',
      'write c1/memory.max=100',
      'write c1/memory.low=50',
      'write c1/io.bfq.weight=500 [ENOENT]',
      '|| write c1/io.weight=4950',
      'write c1/io.max=8:0 rbps=1',
      'write c1/cpu.idle=0',
      'write c1/cpu.weight=100',
      'write c1/cpu.max=5000 10000',
      'write c1/cpuset.cpus=0',
      'write c1/cpuset.mems=0',
      'write c1/hugetlb.1GB.max=9',
      'write c1/hugetlb.1GB.rsvd.max=9 [ENOENT]',
      'write c1/rdma.max=mlx5 hca_handle=1',
      'write c1/memory.high=90',
      'deviceBpf c1',
    ])
    const program = limits.at(-1)
    if (program?.op !== 'deviceBpf') throw new Error('the last step is no program')
    expect(runDeviceProgram(program.insns, { type: 'c', major: 10, minor: 232, access: 2 })).toBe(1)
    expect(runDeviceProgram(program.insns, { type: 'c', major: 10, minor: 233, access: 2 })).toBe(0)
  })

  test('handed over to the container’s user', () => {
    const { make } = create(V2, '/c1', undefined, {
      delegate: { uid: 1000, files: ['cgroup.procs', 'memory.oom.group'] },
    })
    expect(lines(make).slice(-3)).toEqual([
      'chown c1 uid=1000',
      'chown c1/cgroup.procs uid=1000 [ENOENT]',
      'chown c1/memory.oom.group uid=1000 [ENOENT]',
    ])
  })
})

describe('rootless', () => {
  const options = { rootless: true }

  test('without a cgroupsPath: what is forbidden is done without', () => {
    for (const layout of [V1, HYBRID, V2]) {
      const { make, limits, open, optional, cloneSlot } = create(layout, undefined, undefined, options)
      expect(optional).toBe(true)
      expect(cloneSlot).toBeNull()
      expect(limits).toEqual([])
      for (const step of make) {
        if (['mkdir', 'copy'].includes(step.op))
          expect(step.ignore).toEqual(expect.arrayContaining([1, 13, 30]))
      }
      // Each slot is filled in any case.
      const slots = lines(open)
      expect(slots.filter((line) => line.includes('[ENOENT EACCES EPERM EROFS]'))).toHaveLength(
        open.length / 2,
      )
      expect(slots.filter((line) => line.startsWith('|| open /dev/null'))).toHaveLength(open.length / 2)
    }
  })

  test('a limit is not done without', () => {
    const { limits } = create(V2, undefined, { memory: { limit: 5 } }, options)
    expect(lines(limits)).toEqual(['write user.slice/user-1000.slice/c1/memory.max=5'])
  })

  test('with a cgroupsPath it must be made', () => {
    const { make, optional } = create(V2, '/c1', undefined, { ...options, pathGiven: true })
    expect(optional).toBe(false)
    expect(lines(make)).toContain('mkdir c1 parents [EEXIST]')
  })
})

test('no cgroups on the host: only whoever may do without', () => {
  const layout: CgroupLayout = { mode: 'none', v1: [], v2: null }
  expect(() => create(layout)).toThrow(expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED' }))
  expect(create(layout, undefined, undefined, { rootless: true })).toMatchObject({
    make: [],
    limits: [],
    open: [],
  })
  expect(createCgroup(DISABLED_LOCATION, V2, { devices: [{ allow: false }] }, root)).toMatchObject({
    make: [],
    limits: [],
    open: [],
    joinSlots: [],
    cloneSlot: null,
  })
})

test('no step ignores more errors than one can', () => {
  for (const layout of [V1, HYBRID, V2]) {
    for (const rootless of [false, true]) {
      const { make, limits, open } = create(layout, '/a/b', { memory: { limit: 1, swap: 2 } }, { rootless })
      for (const step of [...make, ...limits, ...open]) {
        expect(step.ignore?.length ?? 0).toBeLessThanOrEqual(4)
        const known = [...Object.keys(STEPS[step.op].fields), 'op', 'ignore', 'orElse', 'from']
        expect(known).toEqual(expect.arrayContaining(Object.keys(step)))
      }
    }
  }
})
