import { describe, expect, test } from 'vitest'
import { controllersFile, parseLayout, withControllers } from '../../../lib/cgroup/layout.ts'
import {
  HYBRID,
  HYBRID_MOUNTINFO,
  HYBRID_SELF,
  V1,
  V2,
  V2_CONTROLLERS,
  V2_MOUNTINFO,
  V2_SELF,
} from './machines.ts'

describe('parseLayout', () => {
  test('v1, controllers mounted together, a named hierarchy', () => {
    expect(V1.mode).toBe('v1')
    expect(V1.v2).toBeNull()
    expect(V1.v1).toHaveLength(11)
    expect(V1.v1[0]).toEqual({
      controllers: [],
      name: 'systemd',
      mountpoint: '/sys/fs/cgroup/systemd',
      own: '/user.slice/user-0.slice/session-1.scope',
    })
    expect(V1.v1[1]).toEqual({
      controllers: ['cpu', 'cpuacct'],
      mountpoint: '/sys/fs/cgroup/cpu,cpuacct',
      own: '/',
    })
    expect(V1.v1.find(({ controllers }) => controllers.includes('devices'))?.own).toBe('/user.slice')
  })

  test('hybrid', () => {
    expect(HYBRID.mode).toBe('hybrid')
    expect(HYBRID.v1.map(({ controllers, name }) => name ?? controllers.join())).toEqual([
      'cpu',
      'cpuset',
      'memory',
      'devices',
      'freezer',
      'pids',
      'systemd',
    ])
    expect(HYBRID.v2).toEqual({ mountpoint: '/sys/fs/cgroup/unified', own: '/', controllers: ['hugetlb'] })
    expect(controllersFile(HYBRID)).toBe('/sys/fs/cgroup/unified/cgroup.controllers')
  })

  test('v2', () => {
    expect(V2).toEqual({
      mode: 'v2',
      v1: [],
      v2: {
        mountpoint: '/sys/fs/cgroup',
        own: '/user.slice/user-1000.slice/session-2.scope',
        controllers: V2_CONTROLLERS.trim().split(' '),
      },
    })
    const source = { mountinfo: V2_MOUNTINFO, selfCgroup: V2_SELF, cgroup2: true }
    expect(parseLayout({ ...source, controllers: V2_CONTROLLERS })).toEqual(V2)
  })

  test('v2 at its place: a v1 hierarchy elsewhere does not count', () => {
    const mountinfo = `${V2_MOUNTINFO}50 22 0:40 / /mnt/freezer rw - cgroup cgroup rw,freezer\n`
    expect(parseLayout({ mountinfo, selfCgroup: `1:freezer:/\n${V2_SELF}`, cgroup2: true }).mode).toBe('v2')
  })

  test('no cgroups at all', () => {
    const layout = parseLayout({
      mountinfo: '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n',
      selfCgroup: '',
      cgroup2: false,
    })
    expect(layout).toEqual({ mode: 'none', v1: [], v2: null })
    expect(controllersFile(layout)).toBeNull()
    expect(withControllers(layout, 'cpu')).toBe(layout)
  })

  const one = (lines: string, self = '1:memory:/\n') =>
    parseLayout({ mountinfo: lines, selfCgroup: self, cgroup2: false }).v1

  test('the usual place wins over a copy', () => {
    const mounts = [
      '40 1 0:30 / /chroot/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '41 1 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    ].join('\n')
    expect(one(mounts)).toMatchObject([{ mountpoint: '/sys/fs/cgroup/memory' }])
  })

  test('a mount that a later one covers is not there', () => {
    const covered = [
      '40 1 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '41 1 0:31 / /sys/fs/cgroup rw - tmpfs tmpfs rw',
    ].join('\n')
    expect(one(covered)).toEqual([])
    const again = `${covered}\n42 1 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory`
    expect(one(again)).toMatchObject([{ mountpoint: '/sys/fs/cgroup/memory' }])
  })

  test('a container without a cgroup namespace: paths of the host, of which the mount shows a part', () => {
    const mount = '40 1 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'
    expect(one(mount, '1:memory:/docker/abc\n')).toMatchObject([{ own: '/' }])
    expect(one(mount, '1:memory:/docker/abc/inner\n')).toMatchObject([{ own: '/inner' }])
    // Not below, though the text begins alike.
    expect(one(mount, '1:memory:/docker/abcdef\n')).toMatchObject([{ own: '/' }])
  })

  test('outside of the cgroup namespace: counts as the root', () => {
    const mount = '40 1 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory'
    expect(one(mount, '1:memory:/../../elsewhere\n')).toMatchObject([{ own: '/' }])
  })

  test('escapes of mountinfo, noprefix, cgroup paths with colons', () => {
    const mount = '40 1 0:30 / /mnt/my\\040cgroups\\134x rw - cgroup cgroup rw,cpuset,noprefix'
    expect(one(mount, '1:cpuset:/a:b:c\n')).toEqual([
      { controllers: ['cpuset'], mountpoint: '/mnt/my cgroups\\x', own: '/a:b:c', noPrefix: true },
    ])
  })

  test('the order and the optional fields of mountinfo do not matter', () => {
    const mountinfo = HYBRID_MOUNTINFO.replaceAll(' - ', ' shared:5 master:7 - ')
    expect(
      withControllers(parseLayout({ mountinfo, selfCgroup: HYBRID_SELF, cgroup2: false }), 'hugetlb'),
    ).toEqual(HYBRID)
  })
})
