import { describe, expect, test } from 'vitest'
import { delegatedUid } from '../../../lib/cgroup/delegate.ts'
import { DISABLED_LOCATION, locateCgroup } from '../../../lib/cgroup/location.ts'
import {
  frozenFile,
  killSteps,
  parseProcs,
  pauseSteps,
  processDirs,
  removeSteps,
  resumeSteps,
} from '../../../lib/cgroup/operate.ts'
import { checkUsage, mergeResources, updateCgroup } from '../../../lib/cgroup/update.ts'
import type { Config } from '../../../types/index.ts'
import { HYBRID, lines, V1, V2 } from './machines.ts'

const v1 = locateCgroup(V1, 'c1', '/c1')
const hybrid = locateCgroup(HYBRID, 'c1', '/c1')
const v2 = locateCgroup(V2, 'c1', '/c1')

describe('pause and resume', () => {
  test('by the v1 freezer where there is one', () => {
    expect(lines(pauseSteps(v1))).toEqual(['freezeCgroup freezer/c1 timeoutMs=10000 frozen=true v1'])
    expect(lines(resumeSteps(hybrid, 5))).toEqual(['freezeCgroup freezer/c1 timeoutMs=5 frozen=false v1'])
    expect(lines(pauseSteps(v2))).toEqual(['freezeCgroup c1 timeoutMs=10000 frozen=true'])
    expect(pauseSteps(DISABLED_LOCATION)).toEqual([])
  })

  test('the file that tells', () => {
    expect(frozenFile(hybrid)).toBe('/sys/fs/cgroup/freezer/c1/freezer.self_freezing')
    expect(frozenFile(v2)).toBe('/sys/fs/cgroup/c1/cgroup.freeze')
    expect(frozenFile(DISABLED_LOCATION)).toBeNull()
  })
})

describe('kill', () => {
  test('SIGKILL to both sides, any other signal once', () => {
    const v1Step = 'killCgroup freezer/c1'
    expect(lines(killSteps(v1, 9))).toEqual([`${v1Step} signal=9 freezer=freezer/c1/freezer.state [ENOENT]`])
    expect(lines(killSteps(hybrid, 9))).toEqual([
      'killCgroup unified/c1 signal=9 [ENOENT]',
      `${v1Step} signal=9 freezer=freezer/c1/freezer.state [ENOENT]`,
    ])
    expect(lines(killSteps(hybrid, 15))).toEqual([
      'killCgroup unified/c1 signal=15 [ENOENT]',
      `|| ${v1Step} signal=15 freezer=freezer/c1/freezer.state [ENOENT]`,
    ])
    expect(lines(killSteps(v2, 9))).toEqual(['killCgroup c1 signal=9 [ENOENT]'])
    expect(killSteps(DISABLED_LOCATION, 9)).toEqual([])
  })
})

describe('removal', () => {
  test('each directory of the container, no parent', () => {
    const steps = lines(removeSteps(locateCgroup(HYBRID, 'c1', '/a/c1')))
    expect(steps).toHaveLength(8)
    expect(steps).toContain('removeCgroup memory/a/c1 timeoutMs=5000')
    expect(lines(removeSteps(v2, { kill: true, timeoutMs: 10 }))).toEqual([
      'removeCgroup c1 timeoutMs=10 kill',
    ])
    expect(removeSteps(DISABLED_LOCATION)).toEqual([])
  })
})

test('processes', () => {
  expect(processDirs(v1)).toEqual(['/sys/fs/cgroup/freezer/c1'])
  expect(processDirs(hybrid)).toEqual(['/sys/fs/cgroup/unified/c1', '/sys/fs/cgroup/freezer/c1'])
  expect(parseProcs('1\n22\n')).toEqual([1, 22])
  expect(parseProcs('')).toEqual([])
})

describe('update', () => {
  test('devices stay, whatever is said of them', () => {
    const devices = [{ allow: true }]
    expect(lines(updateCgroup(v2, V2, { devices, pids: { limit: 5 } }).steps)).toEqual([
      'write c1/pids.max=5',
    ])
    expect(updateCgroup(v1, V1, { devices }).steps).toEqual([])
    expect(mergeResources({ devices: [{ allow: false }] }, { devices }).devices).toEqual([{ allow: false }])
  })

  test('checkBeforeUpdate: v2 alone, for limits', () => {
    const memory = { limit: 100, swap: -1, checkBeforeUpdate: true }
    expect(updateCgroup(v1, V1, { memory }).checks).toEqual([])
    expect(updateCgroup(v2, V2, { memory: { limit: 100 } }).checks).toEqual([])
    const { checks } = updateCgroup(v2, V2, { memory })
    expect(checks).toEqual([
      { file: '/sys/fs/cgroup/c1/memory.current', limit: 100, from: '/linux/resources/memory/limit' },
    ])
    expect(() => checkUsage(checks[0]!, '99\n')).not.toThrow()
    expect(() => checkUsage(checks[0]!, '')).not.toThrow()
    expect(() => checkUsage(checks[0]!, '100\n')).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_CGROUP', path: '/linux/resources/memory/limit' }),
    )
  })

  test('mergeResources keeps what is not named', () => {
    const current = {
      memory: { limit: 1, swap: 2 },
      cpu: { quota: 5, period: 7 },
      blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] },
      hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
      unified: { 'memory.high': '1' },
    }
    const before = structuredClone(current)
    expect(
      mergeResources(current, {
        memory: { limit: 3 },
        pids: { limit: 4 },
        blockIO: {
          throttleReadBpsDevice: [
            { major: 8, minor: 16, rate: 2 },
            { major: 8, minor: 0, rate: 9 },
          ],
        },
        hugepageLimits: [{ pageSize: '1GB', limit: 2 }],
        unified: { 'memory.low': '2' },
        network: { priorities: [{ name: 'lo', priority: 1 }] },
      }),
    ).toEqual({
      memory: { limit: 3, swap: 2 },
      cpu: { quota: 5, period: 7 },
      pids: { limit: 4 },
      blockIO: {
        weight: 10,
        throttleReadBpsDevice: [
          { major: 8, minor: 0, rate: 9 },
          { major: 8, minor: 16, rate: 2 },
        ],
      },
      hugepageLimits: [
        { pageSize: '2MB', limit: 1 },
        { pageSize: '1GB', limit: 2 },
      ],
      unified: { 'memory.high': '1', 'memory.low': '2' },
      network: { priorities: [{ name: 'lo', priority: 1 }] },
    })
    expect(current).toEqual(before)
  })
})

describe('delegatedUid', () => {
  const config = (extra: Partial<Pick<Config, 'linux' | 'mounts'>>): Config => ({
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['sh'], user: { uid: 5, gid: 5 } },
    mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] }],
    linux: { namespaces: [{ type: 'cgroup' }] },
    ...extra,
  })

  test('the process’s user, as the host sees it', () => {
    expect(delegatedUid(config({}))).toBe(5)
    const linux = {
      namespaces: [{ type: 'cgroup' as const }, { type: 'user' as const }],
      uidMappings: [
        { containerID: 0, hostID: 1000, size: 1 },
        { containerID: 1, hostID: 100_000, size: 65_536 },
      ],
    }
    expect(delegatedUid(config({ linux }))).toBe(100_004)
  })

  test('not without a namespace of its own or a writable mount', () => {
    const mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' }
    expect(delegatedUid(config({ linux: {} }))).toBeNull()
    expect(
      delegatedUid(config({ linux: { namespaces: [{ type: 'cgroup', path: '/proc/1/ns/cgroup' }] } })),
    ).toBeNull()
    expect(delegatedUid(config({ mounts: [] }))).toBeNull()
    expect(delegatedUid(config({ mounts: [{ ...mount, options: ['nosuid', 'ro'] }] }))).toBeNull()
    expect(delegatedUid(config({ mounts: [{ ...mount, source: 'elsewhere' }] }))).toBeNull()
  })
})
