import { describe, expect, test } from 'vitest'
import { spec } from '../../../lib/config/spec.ts'
import { CLONE, MS, O } from '../../../lib/plan/constants.ts'
import { compileCreate } from '../../../lib/plan/create.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { firstIds, idMaps } from '../../../lib/plan/userns.ts'
import type { Config, IdMapping } from '../../../types/index.ts'
import { bare, host, input, lines, namespaces, ops, part, USER } from './fixtures.ts'

const map = (containerID: number, hostID: number, size: number): IdMapping => ({ containerID, hostID, size })

function mapped(uid: IdMapping[], gid = uid, config: Partial<Config> = {}): Config {
  return bare({ linux: { uidMappings: uid, gidMappings: gid, namespaces: namespaces('user') }, ...config })
}

describe('id maps', () => {
  test('a privileged caller writes any', () => {
    const maps = idMaps(mapped([map(0, 100000, 65536)]), host())
    expect(maps).toMatchObject({ helpers: false, denySetgroups: false })
    expect(maps.uid).toEqual([map(0, 100000, 65536)])
  })

  test('another one writes only its own id, and setgroups is denied', () => {
    expect(idMaps(mapped([map(0, 1000, 1)]), host(USER))).toMatchObject({
      helpers: false,
      denySetgroups: true,
    })
  })

  test('for more it takes the helpers', () => {
    for (const [uid, gid] of [
      [[map(0, 1000, 1), map(1, 100000, 65536)], [map(0, 1000, 1)]],
      [[map(0, 1000, 1)], [map(0, 1001, 1)]],
      [[map(0, 1000, 2)], [map(0, 1000, 1)]],
    ] as const) {
      expect(idMaps(mapped([...uid], [...gid]), host(USER))).toMatchObject({
        helpers: true,
        denySetgroups: false,
      })
    }
  })

  test('the first ids are 0, else those of the process, else the first that are mapped', () => {
    const user = (uid: number) => ({ process: { args: ['x'], cwd: '/', user: { uid, gid: 0 } } })
    expect(firstIds(mapped([map(0, 5, 10)]))).toEqual({ uid: 0, gid: 0 })
    expect(firstIds(mapped([map(10, 5, 10)], [map(0, 5, 1)], user(15)))).toEqual({ uid: 15, gid: 0 })
    expect(firstIds(mapped([map(10, 5, 10)], undefined, user(3)))).toEqual({ uid: 10, gid: 10 })
    expect(firstIds(bare())).toEqual({ uid: 0, gid: 0 })
  })
})

describe('a new user namespace', () => {
  test('of root: sources are opened and limits raised before; all else is made after', () => {
    const config = bare({
      mounts: [{ destination: '/data', source: 'private', options: ['rbind', 'ro'] }],
      linux: {
        uidMappings: [map(0, 100000, 65536)],
        gidMappings: [map(0, 100000, 65536)],
        namespaces: namespaces('user', 'pid', 'mount', 'network', 'cgroup'),
        devices: [
          { path: '/dev/fuse', type: 'c', major: 10, minor: 229 },
          { path: '/run/pipe', type: 'p' },
        ],
      },
      process: {
        args: ['/bin/true'],
        cwd: '/',
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }],
        oomScoreAdj: -5,
      },
    })
    const launch = compileCreate(input(config))
    expect(launch.flags).toBe(CLONE.NEWNS)
    expect(launch.maps).toMatchObject({ helpers: false, denySetgroups: false })
    const rest = CLONE.NEWNS | CLONE.NEWNET | CLONE.NEWCGROUP
    const steps = part(launch, 'init')
    expect(steps.slice(0, steps.indexOf('setsid') + 1)).toEqual([
      'affinity ignore=1,22',
      'oomScoreAdj value=-5',
      'rlimit resource=7 soft=10 hard=20 raise',
      `propagation path=/ flags=${MS.SLAVE | MS.REC}`,
      'bindRoot to=0 path=/bundle/rootfs',
      'openTree to=256 path=/bundle/rootfs recursive',
      'openTree to=257 path=/bundle/private recursive',
      'openTree to=258 path=/dev/fuse',
      'stageTree root=0 tree=256 name=.oci-256',
      'stageTree root=0 tree=257 name=.oci-257',
      'stageTree root=0 tree=258 name=.oci-258',
      `unshare flags=${CLONE.NEWUSER}`,
      'dumpable on',
      'sync name=1',
      'setIds uid=0 gid=0',
      `unshare flags=${rest}`,
      `fork flags=${CLONE.NEWPID}`,
      'setsid',
    ])
    expect(steps).toContain('bindRoot to=0 path=.oci-256 on=.')
    expect(steps).toContain('bind root=0 target=/data source=.oci-257 recursive attrSet=1 attrSoft=14')
    expect(steps).toContain('bindDevice root=0 path=/dev/null source=/dev/null mode=8630 major=1 minor=3')
    expect(steps).toContain('bindDevice root=0 path=/dev/fuse source=.oci-258 mode=8630 major=10 minor=229')
    expect(steps).toContain('device root=0 path=/run/pipe mode=4534 uid=0 gid=0')
    expect(ops(launch).filter((op) => op === 'device')).toHaveLength(1)
  })

  test('of an ordinary user: the rootless default config', () => {
    const config = spec({ rootless: true, uid: 1000, gid: 1000 })
    if (config.process) config.process.terminal = false
    const launch = compileCreate(input(config, { host: host(USER) }))
    expect(launch.flags).toBe(0)
    expect(launch.maps).toMatchObject({ helpers: false, denySetgroups: true })
    const steps = part(launch, 'init')
    expect(steps.slice(0, steps.indexOf('openProc to=1'))).toEqual([
      'affinity ignore=1,22',
      'rlimit resource=7 soft=1024 hard=1024 raise',
      `unshare flags=${CLONE.NEWUSER}`,
      'dumpable on',
      'sync name=1',
      'setIds uid=0 gid=0 keepGroups',
      `unshare flags=${CLONE.NEWIPC | CLONE.NEWUTS | CLONE.NEWNS}`,
      `fork flags=${CLONE.NEWPID}`,
      'setsid',
      'keyring name=_ses.demo mayFail ignore=38',
      'hostname name=oci-ts',
      'propagation path=/ flags=540672',
      'keepNull',
    ])
    expect(steps).toContain('bind root=0 target=/sys source=/sys recursive attrSet=15')
    expect(part(launch, 'tail')).toContain('setIds uid=0 gid=0 keepGroups')
    expect(encodePlan(launch.init).length).toBeGreaterThan(0)
  })

  test('supplementary groups where setgroups is denied are an error', () => {
    const process = { args: ['x'], cwd: '/', user: { uid: 0, gid: 0, additionalGids: [5] } }
    const config = mapped([map(0, 1000, 1)], undefined, { process })
    expect(() => compileCreate(input(config, { host: host(USER) }))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_PERMISSION', path: '/process/user/additionalGids' }),
    )
  })

  test('with others joined: they are joined with the rights of the caller', () => {
    const config = mapped([map(0, 100000, 65536)])
    config.linux = {
      ...config.linux,
      namespaces: namespaces('user', ['network', '/n'], ['mount', '/m'], ['ipc', '/i']),
    }
    const steps = part(compileCreate(input(config)), 'init')
    expect(steps.slice(1, steps.indexOf('setsid'))).toEqual([
      'dumpable on=false',
      `setns slot=67 type=${CLONE.NEWIPC}`,
      `setns slot=65 type=${CLONE.NEWNET}`,
      `setns slot=66 type=${CLONE.NEWNS}`,
      `unshare flags=${CLONE.NEWUSER}`,
      'dumpable on',
      'sync name=1',
      'setIds uid=0 gid=0',
      'dumpable on=false',
    ])
  })

  test('with a time namespace: the offsets are written before the ids change', () => {
    const config = mapped([map(0, 100000, 65536)])
    config.linux = {
      ...config.linux,
      namespaces: namespaces('time', 'user'),
      timeOffsets: { boottime: { secs: 9 } },
    }
    const steps = part(compileCreate(input(config)), 'init')
    expect(steps.slice(1, steps.indexOf('setsid'))).toEqual([
      `unshare flags=${CLONE.NEWUSER}`,
      'dumpable on',
      `unshare flags=${CLONE.NEWTIME}`,
      'timeOffset clock=7 secs=9 nanosecs=0',
      'sync name=1',
      'setIds uid=0 gid=0',
      'fork flags=0',
    ])
  })

  test('without a mount namespace it has no devices of its own', () => {
    const launch = compileCreate(input(mapped([map(0, 100000, 65536)])))
    expect(ops(launch)).not.toContain('device')
    expect(ops(launch)).not.toContain('bindDevice')
    expect(ops(launch)).not.toContain('reopenNull')
    expect(launch.warnings).toEqual([expect.objectContaining({ path: '/linux/namespaces' })])
  })
})

describe('a user namespace that is joined', () => {
  const config = bare({ linux: { namespaces: namespaces('mount', ['user', '/u'], ['network', '/n']) } })

  test('by a privileged caller: last, with everything made after', () => {
    const launch = compileCreate(input(config))
    expect(launch.flags).toBe(CLONE.NEWNS)
    expect(launch.maps).toBeNull()
    const steps = part(launch, 'init')
    expect(steps.slice(0, steps.indexOf('setsid'))).toEqual([
      'affinity ignore=1,22',
      'dumpable on=false',
      `propagation path=/ flags=${MS.SLAVE | MS.REC}`,
      'bindRoot to=0 path=/bundle/rootfs',
      'openTree to=256 path=/bundle/rootfs recursive',
      'stageTree root=0 tree=256 name=.oci-256',
      `setns slot=66 type=${CLONE.NEWNET}`,
      `setns slot=65 type=${CLONE.NEWUSER}`,
      'setIds uid=0 gid=0 keepGroups',
      `unshare flags=${CLONE.NEWNS}`,
    ])
  })

  test('by an unprivileged one: first, since only there it has rights', () => {
    const steps = part(compileCreate(input(config, { host: host(USER) })), 'init')
    expect(steps.slice(1, 5)).toEqual([
      'dumpable on=false',
      `setns slot=65 type=${CLONE.NEWUSER}`,
      'setIds uid=0 gid=0 keepGroups',
      `setns slot=66 type=${CLONE.NEWNET}`,
    ])
  })

  test('the tail drops the groups, unless that namespace denies it', () => {
    const launch = compileCreate(input(config))
    expect(lines(launch.init.filter(({ op }) => op === 'setIds')).slice(1)).toEqual([
      'setIds uid=0 gid=0 ignore=1',
      'orElse setIds uid=0 gid=0 keepGroups',
    ])
  })
})

test('the root of the host covers something else with what is staged', () => {
  const config = bare({
    root: { path: '/' },
    linux: {
      uidMappings: [map(0, 0, 1)],
      gidMappings: [map(0, 0, 1)],
      namespaces: namespaces('user', 'mount'),
    },
  })
  const steps = part(compileCreate(input(config)), 'init')
  expect(steps).toContain(`open to=0 path=/bundle flags=${O.PATH}`)
  expect(steps).not.toContain('bindRoot to=0 path=/')
  expect(steps).toContain('bindRoot to=0 path=.oci-256 on=.')
})

test('a mount namespace that is joined brings the sources with it', () => {
  const config = bare({
    mounts: [{ destination: '/d', source: '/s', options: ['bind'] }],
    linux: {
      uidMappings: [map(0, 0, 1)],
      gidMappings: [map(0, 0, 1)],
      namespaces: [...namespaces('user'), { type: 'mount', path: '/proc/1/ns/mnt' }],
    },
  })
  const launch = compileCreate(input(config))
  expect(launch.flags).toBe(0)
  expect(part(launch, 'init')).toContain('bind root=0 target=/d source=/s')
})
