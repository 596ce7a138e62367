import { describe, expect, test } from 'vitest'
import { MOUNT_ATTR, MS } from '../../../lib/plan/constants.ts'
import { compileCreate } from '../../../lib/plan/create.ts'
import { msFlags, readMountOptions, sbFlagNames } from '../../../lib/plan/mount-options.ts'
import type { HostFacts } from '../../../lib/plan/types.ts'
import type { Config, Mount } from '../../../types/index.ts'
import { bare, host, input, namespaces, only, ops, part, V1, V2 } from './fixtures.ts'

const { RDONLY, NOATIME, STRICTATIME } = MOUNT_ATTR

function withMounts(mounts: Mount[], config: Partial<Config> = {}): Config {
  return bare({ mounts, linux: { namespaces: namespaces('mount'), ...config.linux }, ...config })
}

function mountLines(mounts: Mount[], facts: Partial<HostFacts> = {}): string[] {
  const { init } = compileCreate(input(withMounts(mounts), { host: host(facts) }))
  return only(init, 'mountFs', 'bind', 'mountAttr')
}

describe('mount options', () => {
  /** What `option` sets and clears, and that its recursive form does the same to the whole tree. */
  const expectEffect = (option: string, set: number, clear: number) => {
    const none = { set: 0, clear: 0, recSet: 0, recClear: 0, data: [] }
    expect(readMountOptions([option])).toMatchObject({ ...none, set, clear })
    expect(readMountOptions([`r${option}`])).toMatchObject({ ...none, recSet: set, recClear: clear })
  }

  // The kernel's numbers (linux/mount.h), not our constants.
  test.each([
    ['ro', 'rw', 0x1],
    ['nosuid', 'suid', 0x2],
    ['nodev', 'dev', 0x4],
    ['noexec', 'exec', 0x8],
    ['nodiratime', 'diratime', 0x80],
    ['nosymfollow', 'symfollow', 0x200000],
  ])('%s sets what %s clears', (on, off, bit) => {
    expectEffect(on, bit, 0)
    expectEffect(off, 0, bit)
  })

  test('the access time is an enumeration: whatever is set, the others are cleared', () => {
    const whole = 0x70
    expectEffect('noatime', 0x10, whole)
    expectEffect('strictatime', 0x20, whole)
    for (const option of ['atime', 'nostrictatime', 'relatime']) expectEffect(option, 0, whole)
    expectEffect('norelatime', 0, 0)
  })

  test.each([
    ['sync', MS.SYNCHRONOUS],
    ['dirsync', MS.DIRSYNC],
    ['lazytime', MS.LAZYTIME],
    ['mand', MS.MANDLOCK],
    ['iversion', MS.I_VERSION],
    ['silent', MS.SILENT],
    ['ro', MS.RDONLY],
  ])('%s is a flag of the superblock', (option, sb) => {
    expect(readMountOptions([option]).sb).toBe(sb)
  })

  test.each([
    ['sync', 'async'],
    ['lazytime', 'nolazytime'],
    ['mand', 'nomand'],
    ['iversion', 'noiversion'],
    ['silent', 'loud'],
    ['ro', 'rw'],
  ])('%s and %s: the later one counts', (on, off) => {
    expect(readMountOptions([on, off]).sb).toBe(0)
    expect(readMountOptions([off, on]).sb).not.toBe(0)
  })

  test('of two attributes that contradict each other the later one counts', () => {
    expect(readMountOptions(['ro', 'rw'])).toMatchObject({ set: 0, clear: RDONLY })
    expect(readMountOptions(['rw', 'ro'])).toMatchObject({ set: RDONLY, clear: 0 })
    expect(readMountOptions(['strictatime', 'noatime']).set).toBe(NOATIME)
    expect(readMountOptions(['noatime', 'strictatime']).set).toBe(STRICTATIME)
    expect(readMountOptions(['noatime', 'relatime']).set).toBe(0)
    expect(readMountOptions(['rro', 'rrw'])).toMatchObject({ recSet: 0, recClear: RDONLY })
  })

  test('propagation keeps its order', () => {
    expect(readMountOptions(['rslave', 'shared', 'private', 'runbindable']).propagation).toEqual([
      MS.SLAVE | MS.REC,
      MS.SHARED,
      MS.PRIVATE,
      MS.UNBINDABLE | MS.REC,
    ])
  })

  test('the rest', () => {
    expect(readMountOptions(['bind'])).toMatchObject({ bind: true, recursive: false })
    expect(readMountOptions(['rbind'])).toMatchObject({ bind: true, recursive: true })
    expect(readMountOptions(['remount', 'tmpcopyup'])).toMatchObject({ remount: true, tmpcopyup: true })
    expect(readMountOptions(['ro', 'ridmap']).idmap).toBe(1)
    expect(readMountOptions(['defaults', '']).data).toEqual([])
    expect(readMountOptions(['size=1k', 'acl', 'mode=700']).data).toEqual(['size=1k', 'acl', 'mode=700'])
  })

  test('as flags of mount(2), and as names of fsconfig(2)', () => {
    const options = readMountOptions([
      'ro',
      'nosuid',
      'nodev',
      'noexec',
      'noatime',
      'nodiratime',
      'sync',
      'lazytime',
    ])
    expect(msFlags(options)).toBe(1 | 2 | 4 | 8 | 16 | 1024 | 2048 | (1 << 25))
    expect(sbFlagNames(options.sb)).toEqual(['ro', 'sync', 'lazytime'])
  })
})

describe('mounts', () => {
  test('destinations are taken from the root and stay in it', () => {
    const mount = (destination: string) => ({ destination, type: 'tmpfs', options: ['mode=1'] })
    const lines = mountLines([mount('data/'), mount('/a/../../b//c/.'), mount('/x')])
    expect(lines.map((line) => /target=(\S+)/.exec(line)?.[1])).toEqual(['/data', '/b/c', '/x'])
  })

  test('binds: the source counts from the bundle; attributes and propagation go along', () => {
    expect(
      mountLines([
        {
          destination: '/a',
          source: 'data',
          options: ['bind', 'rw', 'nosuid', 'noatime', 'slave', 'rshared'],
        },
        { destination: '/b', source: '/srv', type: 'none', options: ['rbind', 'rro', 'rnoatime'] },
      ]),
    ).toEqual([
      `bind root=0 target=/a source=/bundle/data attrSet=18 attrClr=113 attrSoft=12 propagation=[${MS.SLAVE},${MS.SHARED | MS.REC}]`,
      'bind root=0 target=/b source=/srv recursive recSet=17 recClr=112',
    ])
  })

  test('a tmpfs turns read-only at the end, and takes the mode of what it covers', () => {
    const config = withMounts(
      [
        { destination: '/t', type: 'tmpfs', options: ['ro', 'nosuid', 'tmpcopyup'] },
        { destination: '/dev', type: 'devtmpfs', options: ['ro'] },
      ],
      { root: { path: 'rootfs', readonly: true } },
    )
    const launch = compileCreate(input(config))
    expect(only(launch.init, 'mountFs', 'mountAttr')).toEqual([
      'mountFs root=0 target=/t fstype=tmpfs source=tmpfs attrs=2 inheritMode copyUp to=256',
      'mountFs root=0 target=/dev fstype=devtmpfs source=devtmpfs to=257',
      'mountAttr slot=256 attrSet=1',
      'mountAttr slot=257 attrSet=1',
      'mountAttr slot=0 attrSet=1',
    ])
    const names = ops(launch)
    expect(names.indexOf('mountAttr')).toBeGreaterThan(names.indexOf('pivotRoot'))
  })

  test('recursive attributes follow the mount', () => {
    expect(
      mountLines([{ destination: '/t', type: 'tmpfs', options: ['mode=1', 'rnosuid', 'iversion', 'nodev'] }]),
    ).toEqual([
      'mountFs root=0 target=/t fstype=tmpfs source=tmpfs sbFlags=["iversion"] data=["mode=1"] attrs=4 to=256',
      'mountAttr slot=256 attrSet=2 recursive',
    ])
  })

  test('remounts, of a bind and of a filesystem', () => {
    expect(
      mountLines([
        { destination: '/a', options: ['remount', 'bind', 'ro', 'private'] },
        { destination: '/a', options: ['remount', 'ro', 'nodev', 'size=1k'] },
      ]),
    ).toEqual([
      `mountAttr root=0 target=/a attrSet=1 attrSoft=14 propagation=[${MS.PRIVATE}]`,
      'mountAttr root=0 target=/a sb flags=5 data=size=1k',
    ])
  })

  test('proc and sysfs only on real directories; a bind over /proc only of a procfs', () => {
    expect(
      mountLines([
        { destination: '/proc', type: 'proc', source: 'proc', options: ['hidepid=2'] },
        { destination: '/sys', type: 'sysfs' },
        { destination: '/proc', source: '/proc', options: ['rbind'] },
        { destination: '/proc/meminfo', source: '/lxcfs/meminfo', options: ['bind'] },
      ]),
    ).toEqual([
      'mountFs root=0 target=/proc fstype=proc source=proc data=["hidepid=2"] realDir',
      'mountFs root=0 target=/sys fstype=sysfs source=sysfs realDir',
      'bind root=0 target=/proc source=/proc recursive mustBe=proc',
      'bind root=0 target=/proc/meminfo source=/lxcfs/meminfo',
    ])
  })

  test.each<[Mount, string, string]>([
    [{ destination: '/', type: 'tmpfs' }, 'ERR_OCI_CONFIG_INVALID', '/mounts/0/destination'],
    [
      { destination: '/x/..', source: '/y', options: ['bind'] },
      'ERR_OCI_CONFIG_INVALID',
      '/mounts/0/destination',
    ],
    [{ destination: '/proc', type: 'tmpfs' }, 'ERR_OCI_CONFIG_INVALID', '/mounts/0/type'],
    [{ destination: '/proc/../proc/self', type: 'tmpfs' }, 'ERR_OCI_CONFIG_INVALID', '/mounts/0/destination'],
    [
      { destination: '/proc/sys', source: '/x', options: ['bind'] },
      'ERR_OCI_CONFIG_INVALID',
      '/mounts/0/destination',
    ],
    [{ destination: '/x' }, 'ERR_OCI_CONFIG_INVALID', '/mounts/0/type'],
    [
      { destination: '/x', source: '/y', options: ['bind', 'idmap'] },
      'ERR_OCI_UNSUPPORTED',
      '/mounts/0/options/1',
    ],
    [
      {
        destination: '/x',
        source: '/y',
        options: ['bind'],
        uidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
      },
      'ERR_OCI_UNSUPPORTED',
      '/mounts/0/uidMappings',
    ],
  ])('%o is refused', (mount, code, path) => {
    expect(() => mountLines([mount])).toThrow(expect.objectContaining({ code, path }))
  })

  test('recursive attributes need mount_setattr(2)', () => {
    const mount = { destination: '/x', source: '/y', options: ['rbind', 'ro', 'rro'] }
    expect(() => mountLines([mount], { mountSetattr: false })).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: '/mounts/0/options/2' }),
    )
  })

  test('without a mount namespace nothing is mounted', () => {
    const mounts = [{ destination: '/x', type: 'tmpfs' }]
    expect(() => compileCreate(input(bare({ mounts })))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: '/mounts' }),
    )
    expect(() => compileCreate(input(bare({ root: { path: 'r', readonly: true } })))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: '/root/readonly' }),
    )
    expect(() => compileCreate(input(bare({ linux: { maskedPaths: ['/x'] } })))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_CONFIG_INVALID', path: '/linux/maskedPaths' }),
    )
  })

  test('where the slots end, mounts go by their paths', () => {
    const mounts = Array.from({ length: 800 }, (_, i) => ({
      destination: `/t${i}`,
      type: 'tmpfs',
      options: ['ro'],
    }))
    const lines = mountLines(mounts)
    expect(lines).toHaveLength(1600)
    expect(lines[767]).toMatch(/to=1023$/)
    expect(lines[768]).not.toMatch(/to=/)
    expect(lines[800 + 768]).toBe('mountAttr root=0 target=/t768 attrSet=1')
  })

  test('mountLabel goes to filesystems that take it', () => {
    const mounts = ['proc', 'sysfs', 'mqueue', 'tmpfs'].map((type) => ({ destination: `/${type}`, type }))
    const config = withMounts(mounts, {
      linux: { namespaces: namespaces('mount'), mountLabel: 'a:b:c:s0,c1' },
    })
    const launch = compileCreate(input(config, { host: host({ selinux: true }) }))
    const lines = only(launch.init, 'mountFs')
    expect(lines.map((line) => /label=\S+|context=[^"]+/.exec(line)?.[0])).toEqual([
      undefined,
      undefined,
      'label=a:b:c:s0,c1',
      'context=a:b:c:s0,c1',
    ])
  })

  test('mountLabel goes to masks and to the directory of cgroup v1, too', () => {
    const label = 'a:b:c:s0,c1'
    const linux = { namespaces: namespaces('mount'), mountLabel: label, maskedPaths: ['/proc/keys'] }
    const config = withMounts([{ destination: '/sys/fs/cgroup', type: 'cgroup' }], { linux })
    const facts = (layout: typeof V1) => ({ host: host({ selinux: true, cgroup: layout }) })
    const v1 = compileCreate(input(config, facts(V1))).init
    expect(only(v1, 'maskPath')).toEqual([`maskPath root=0 path=/proc/keys label=${label}`])
    expect(only(v1, 'mountFs')[0]).toContain(`data=["mode=755","context=${label}"]`)
    const v2 = compileCreate(input(config, facts(V2))).init
    expect(only(v2, 'mountFs')[0]).not.toContain('context=')
    expect(only(v2, 'maskPath')[0]).toContain(`path=/sys/fs/cgroup label=${label}`)
  })
})

describe('the root', () => {
  const propagation = (rootfsPropagation?: NonNullable<Config['linux']>['rootfsPropagation']) => {
    const linux = { namespaces: namespaces('mount'), ...(rootfsPropagation ? { rootfsPropagation } : {}) }
    const steps = part(compileCreate(input(bare({ linux }))), 'init')
    const pivot = steps.indexOf('pivotRoot root=0')
    const flags = (list: string[]) =>
      list.flatMap((line) => /^propagation path=\/ flags=(\d+)/.exec(line)?.[1] ?? [])
    return [flags(steps.slice(0, pivot)), flags(steps.slice(pivot))].map((list) => list.map(Number))
  }

  test('propagates as the config says, once nothing is mounted or bound any more', () => {
    expect(propagation()).toEqual([[MS.SLAVE | MS.REC], []])
    expect(propagation('slave')).toEqual([[MS.SLAVE | MS.REC], []])
    expect(propagation('rslave')).toEqual([[MS.SLAVE | MS.REC], []])
    expect(propagation('private')).toEqual([[MS.PRIVATE | MS.REC], []])
    expect(propagation('shared')).toEqual([[MS.SHARED], [MS.SHARED]])
    expect(propagation('rshared')).toEqual([[MS.SHARED | MS.REC], [MS.SHARED | MS.REC]])
    expect(propagation('unbindable')).toEqual([[MS.SLAVE | MS.REC], [MS.UNBINDABLE]])
    expect(propagation('runbindable')).toEqual([[MS.SLAVE | MS.REC], [MS.UNBINDABLE | MS.REC]])
    const linux = {
      namespaces: namespaces('mount'),
      rootfsPropagation: 'runbindable' as const,
      readonlyPaths: ['/proc/sys'],
      maskedPaths: ['/proc/keys'],
    }
    const steps = part(compileCreate(input(bare({ linux }))), 'init')
    const last = steps.findLastIndex((line) => line.startsWith('propagation'))
    for (const op of ['readonlyPath', 'maskPath'])
      expect(steps.slice(last).filter((line) => line.startsWith(op))).toEqual([])
  })

  test("is cut off from the host's mount around it, with what is bound from there, unless a slave is asked for", () => {
    const root = (rootfsPropagation?: NonNullable<Config['linux']>['rootfsPropagation']) => {
      const linux = { namespaces: namespaces('mount'), ...(rootfsPropagation ? { rootfsPropagation } : {}) }
      return only(compileCreate(input(bare({ linux }))).init, 'bindRoot')
    }
    for (const name of ['slave', 'rslave'] as const)
      expect(root(name), name).toEqual(['bindRoot to=0 path=/bundle/rootfs slave'])
    for (const name of [undefined, 'private', 'rprivate', 'shared', 'rshared', 'unbindable'] as const)
      expect(root(name), name).toEqual(['bindRoot to=0 path=/bundle/rootfs'])
  })

  test('may be given with its symlinks resolved', () => {
    const launch = compileCreate(
      input(bare({ linux: { namespaces: namespaces('mount') } }), { rootfs: '/var/lib/x/rootfs' }),
    )
    expect(only(launch.init, 'bindRoot')).toEqual(['bindRoot to=0 path=/var/lib/x/rootfs'])
  })
})

describe('devices', () => {
  test("of the config override the default ones; /dev/ptmx is always the container's own", () => {
    const config = withMounts([], {
      linux: {
        namespaces: namespaces('mount'),
        devices: [
          { path: '/dev//null', type: 'c', major: 1, minor: 3, fileMode: 0o100600, uid: 5, gid: 6 },
          { path: '/dev/ptmx', type: 'c', major: 5, minor: 2 },
          { path: '/dev/sda', type: 'b', major: 8, minor: 0 },
          { path: '/x/fifo', type: 'p', fileMode: 0o640 },
        ],
      },
    })
    const launch = compileCreate(input(config))
    const lines = only(launch.init, 'device')
    expect(lines).toHaveLength(5 + 3)
    expect(lines.slice(5)).toEqual([
      'device root=0 path=/dev/null mode=8576 major=1 minor=3 uid=5 gid=6',
      'device root=0 path=/dev/sda mode=25014 major=8 uid=0 gid=0',
      'device root=0 path=/x/fifo mode=4512 uid=0 gid=0',
    ])
    expect(only(launch.init, 'symlink').at(-1)).toBe(
      'symlink dir=0 path=/dev/ptmx target=pts/ptmx inRoot replace',
    )
  })

  test("are the host's where /dev is bound", () => {
    const launch = compileCreate(
      input(withMounts([{ destination: '/dev/', source: '/dev', options: ['rbind'] }])),
    )
    const names = ops(launch)
    for (const op of ['device', 'symlink', 'reopenNull']) expect(names).not.toContain(op)
  })

  test("links to /proc depend on it where the config mounts none; the host's own ptmx is left alone", () => {
    const launch = compileCreate(input(bare(), { rootfs: '/' }))
    const links = only(launch.init, 'symlink')
    expect(links[0]).toMatch(/ifExists=\/proc\/self\/fd$/)
    expect(links.at(-1)).toBe('symlink dir=0 path=/dev/ptmx target=pts/ptmx inRoot existOk')
  })
})
