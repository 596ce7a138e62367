import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { locateCgroup, locateProcess, subCgroup } from '../../../lib/cgroup/location.ts'
import { cgroupDirs } from '../../../lib/cgroup/operate.ts'
import type { CgroupLayout } from '../../../lib/cgroup/types.ts'
import { HYBRID, V1, V2 } from './machines.ts'

const dir = (layout: CgroupLayout, controller: string, path?: string) =>
  locateCgroup(layout, 'c1', path).v1.find(({ controllers, name }) =>
    (name ?? controllers.join()).includes(controller),
  )?.dir

describe('locateCgroup', () => {
  test('v1: absolute from the mount, relative and default from the own cgroup', () => {
    expect(dir(V1, 'cpuacct', '/pods/c1')).toBe('/sys/fs/cgroup/cpu,cpuacct/pods/c1')
    expect(dir(V1, 'devices', '/pods/c1')).toBe('/sys/fs/cgroup/devices/pods/c1')
    expect(dir(V1, 'devices', 'pods/c1')).toBe('/sys/fs/cgroup/devices/user.slice/pods/c1')
    expect(dir(V1, 'devices')).toBe('/sys/fs/cgroup/devices/user.slice/c1')
    expect(dir(V1, 'devices', '')).toBe('/sys/fs/cgroup/devices/user.slice/c1')
    expect(dir(V1, 'memory')).toBe('/sys/fs/cgroup/memory/c1')
    expect(locateCgroup(V1, 'c1').v2).toBeNull()
  })

  test('hybrid: v1, and the unified tree as well', () => {
    expect(locateCgroup(HYBRID, 'c1', '/pods/c1').v2).toEqual({
      dir: '/sys/fs/cgroup/unified/pods/c1',
      mountpoint: '/sys/fs/cgroup/unified',
    })
    expect(dir(HYBRID, 'memory')).toBe('/sys/fs/cgroup/memory/agents/4711/c1')
    expect(locateCgroup(HYBRID, 'c1').mode).toBe('hybrid')
  })

  test('v2: relative and default from the parent of the own cgroup', () => {
    expect(cgroupDirs(locateCgroup(V2, 'c1', '/pods/c1'))).toEqual(['/sys/fs/cgroup/pods/c1'])
    expect(cgroupDirs(locateCgroup(V2, 'c1', 'pods'))).toEqual([
      '/sys/fs/cgroup/user.slice/user-1000.slice/pods',
    ])
    expect(cgroupDirs(locateCgroup(V2, 'c1'))).toEqual(['/sys/fs/cgroup/user.slice/user-1000.slice/c1'])
  })

  test('no cgroups: nowhere', () => {
    expect(locateCgroup({ mode: 'none', v1: [], v2: null }, 'c1')).toEqual({ mode: 'none', v1: [], v2: null })
  })

  test.each([
    ['/a/../../../b', '/b'],
    ['../../../b', '/user.slice/user-1000.slice/b'],
    ['/a//b/./c/', '/a/b/c'],
    ['a/../../../../../etc', '/user.slice/user-1000.slice/etc'],
  ])('%s is %s', (path, expected) => {
    expect(locateCgroup(V2, 'c1', path).v2?.dir).toBe(`/sys/fs/cgroup${expected}`)
  })

  test('nothing leads out, whatever the path', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'b.slice', '...', '.. ')
    fc.assert(
      fc.property(fc.boolean(), fc.array(part, { maxLength: 8 }), (absolute, parts) => {
        const path = (absolute ? '/' : '') + parts.join('/')
        for (const layout of [V1, HYBRID, V2]) {
          let location: ReturnType<typeof locateCgroup>
          try {
            location = locateCgroup(layout, 'c1', path)
          } catch {
            continue
          }
          for (const entry of [...location.v1, ...(location.v2 ? [location.v2] : [])]) {
            const inner = entry.dir.slice(entry.mountpoint.length)
            expect(entry.dir.startsWith(`${entry.mountpoint}/`)).toBe(true)
            expect(inner.split('/')).not.toContain('..')
            expect(inner.length).toBeGreaterThan(1)
          }
        }
      }),
    )
  })

  test.each(['/', '.', '..', '/..', './', 'a/..', '//'])('%s is no place for a container', (path) => {
    expect(() => locateCgroup(V2, 'c1', path)).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_CONFIG_INVALID', path: '/linux/cgroupsPath' }),
    )
  })

  test.each(['system.slice:docker:c1', 'machine.slice:libpod:abc', ':runc:c1', '::c1'])(
    '%s is for systemd',
    (path) => {
      expect(() => locateCgroup(V2, 'c1', path)).toThrow(
        expect.objectContaining({ path: '/linux/cgroupsPath', hint: expect.stringContaining('systemd') }),
      )
    },
  )

  test.each(['a\0b', '/a\nb'])('%j: no directory can have that name', (path) => {
    expect(() => locateCgroup(V2, 'c1', path)).toThrow(
      expect.objectContaining({ path: '/linux/cgroupsPath' }),
    )
  })

  test('colons in paths are no systemd form', () => {
    expect(locateCgroup(V2, 'c1', '/a:b:c').v2?.dir).toBe('/sys/fs/cgroup/a:b:c')
    expect(locateCgroup(V2, 'c1', 'x/a:b:c').v2?.dir).toContain('/x/a:b:c')
  })
})

describe('locateProcess', () => {
  const location = locateCgroup(V2, 'c1', '/pods/c1')

  test('below the container’s cgroup', () => {
    expect(locateProcess(location, V2, '0::/pods/c1/init.scope\n').v2?.dir).toBe(
      '/sys/fs/cgroup/pods/c1/init.scope',
    )
    expect(locateProcess(location, V2, '0::/pods/c1\n').v2?.dir).toBe('/sys/fs/cgroup/pods/c1')
  })

  test.each(['0::/elsewhere\n', '0::/pods/c12\n', '0::/../pods/c1\n0', ''])('%j is not', (text) => {
    expect(locateProcess(location, V2, text).v2?.dir).toBe('/sys/fs/cgroup/pods/c1')
  })
})

describe('subCgroup', () => {
  const v1 = locateCgroup(V1, 'c1', '/c1')
  const v2 = locateCgroup(V2, 'c1', '/c1')

  test('one path for all', () => {
    expect(cgroupDirs(subCgroup(v2, ['/sub']))).toEqual(['/sys/fs/cgroup/c1/sub'])
    expect(cgroupDirs(subCgroup(v2, ['a//b/']))).toEqual(['/sys/fs/cgroup/c1/a/b'])
    expect(cgroupDirs(subCgroup(v2, []))).toEqual(['/sys/fs/cgroup/c1'])
    expect(cgroupDirs(subCgroup(v1, ['sub'])).every((path) => path.endsWith('/c1/sub'))).toBe(true)
  })

  test('v1: by controller', () => {
    const dirs = cgroupDirs(subCgroup(v1, ['memory,pids:/a', 'cpuacct:b', 'name=systemd:s']))
    expect(dirs).toContain('/sys/fs/cgroup/memory/c1/a')
    expect(dirs).toContain('/sys/fs/cgroup/pids/c1/a')
    expect(dirs).toContain('/sys/fs/cgroup/cpu,cpuacct/c1/b')
    expect(dirs).toContain('/sys/fs/cgroup/systemd/c1/s')
    expect(dirs).toContain('/sys/fs/cgroup/devices/c1')
  })

  test.each([
    [v2, ['../c2']],
    [v2, ['a/../../c2']],
    [v2, ['memory:a']],
    [v1, ['memory:../c2']],
    [v1, ['nonesuch:a']],
    [v1, ['memory:a', 'memory:b']],
    [v1, ['a', 'memory:b']],
    [v2, ['a\0']],
  ])('%o %o is refused', (location, specs) => {
    expect(() => subCgroup(location, specs)).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_OPTION_INVALID' }),
    )
  })
})
