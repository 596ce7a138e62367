import { describe, expect, test } from 'vitest'
import { type ContainerRecord, decodeRecord, encodeRecord, jsonText } from '../../../lib/runtime/record.ts'

const record: ContainerRecord = {
  version: 1,
  id: 'x',
  bundle: '/b',
  rootfs: '/b/rootfs',
  pid: 12,
  startTime: 34,
  created: '2026-01-01T00:00:00.000Z',
  owner: 'root',
  uid: 0,
  cgroup: {
    mode: 'v1',
    v1: [{ controllers: ['cpu'], dir: '/sys/fs/cgroup/cpu/x', mountpoint: '/sys/fs/cgroup/cpu' }],
    v2: null,
  },
  annotations: {},
  start: { tail: 3, preserveFds: 0, listenPid: false, setgroupsDenied: false },
  config: {
    ociVersion: '1.3.0',
    root: { path: 'r' },
    process: { args: ['x'], cwd: '/', rlimits: [{ type: 'RLIMIT_AS', hard: 2n ** 64n - 1n, soft: 1 }] },
  },
}

function text(change: (value: Record<string, unknown>) => void = () => {}): string {
  const { config, ...head } = structuredClone(record)
  const value = head as unknown as Record<string, unknown>
  change(value)
  return Buffer.from(encodeRecord(value as never, jsonText(config))).toString()
}

test('what is written is read again, with 64-bit integers', () => {
  expect(decodeRecord(text(), 'x')).toEqual(record)
})

describe('a damaged state is refused', () => {
  const cases: [string, (value: Record<string, unknown>) => void][] = [
    ['version', (value) => (value.version = 2)],
    ['id', (value) => (value.id = 'y')],
    ['pid', (value) => (value.pid = -1)],
    ['pid as text', (value) => (value.pid = '1')],
    ['start time', (value) => (value.startTime = 1.5)],
    ['bundle', (value) => (value.bundle = 'relative')],
    ['rootfs', (value) => (value.rootfs = '/a\0b')],
    ['cgroup', (value) => (value.cgroup = null)],
    [
      'cgroup outside of its mount',
      (value) => (value.cgroup = { mode: 'v2', v1: [], v2: { dir: '/etc', mountpoint: '/sys/fs/cgroup' } }),
    ],
    [
      'cgroup that leads out',
      (value) =>
        (value.cgroup = {
          mode: 'v2',
          v1: [],
          v2: { dir: '/sys/fs/cgroup/../x', mountpoint: '/sys/fs/cgroup' },
        }),
    ],
    [
      'cgroup that is the mount',
      (value) =>
        (value.cgroup = { mode: 'v2', v1: [], v2: { dir: '/sys/fs/cgroup', mountpoint: '/sys/fs/cgroup' } }),
    ],
    ['annotations', (value) => (value.annotations = [])],
    ['start', (value) => (value.start = null)],
  ]
  test.each(cases)('%s', (_name, change) => {
    expect(() => decodeRecord(text(change), 'x')).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_STATE', containerId: 'x' }),
    )
  })

  test.each(['', '{', '[]', 'null', '"x"'])('%j', (value) => {
    expect(() => decodeRecord(value, 'x')).toThrow(expect.objectContaining({ code: 'ERR_OCI_STATE' }))
  })
})
