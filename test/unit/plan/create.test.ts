import { describe, expect, test } from 'vitest'
import { CLONE } from '../../../lib/plan/constants.ts'
import { compileCreate } from '../../../lib/plan/create.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { SLOT, SLOT_RANGE } from '../../../lib/plan/slots.ts'
import type { Config } from '../../../types/index.ts'
import {
  ALL_CAPS,
  bare,
  cgroup,
  defaultSpec,
  host,
  input,
  namespaces,
  ops,
  part,
  USER,
  V2,
} from './fixtures.ts'

const MAPS = {
  uidMappings: [{ containerID: 0, hostID: 100000, size: 1000 }],
  gidMappings: [{ containerID: 0, hostID: 100000, size: 1000 }],
}
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

describe('the default config', () => {
  const launch = compileCreate(input(defaultSpec(), { cgroup: cgroup('v1') }))

  test('is launched into all namespaces at once', () => {
    expect(launch.flags).toBe(CLONE.NEWPID | CLONE.NEWNET | CLONE.NEWIPC | CLONE.NEWUTS | CLONE.NEWNS)
    expect(launch.maps).toBeNull()
    expect(launch.cgroup).toBeNull()
    expect(launch.host).toEqual([])
    expect(launch.pass).toEqual([[SLOT.start, SLOT.start]])
    expect(launch.joinsLater).toBe(true)
    expect(launch.warnings).toEqual([])
  })

  test('comes to these steps until it is created', () => {
    expect(part(launch, 'init')).toEqual([
      'affinity ignore=1,22',
      'setsid',
      'keyring name=_ses.demo mayFail ignore=38',
      'loopback',
      'hostname name=oci-ts',
      'propagation path=/ flags=540672',
      'keepNull',
      'openProc to=1',
      'bindRoot to=0 path=/bundle/rootfs',
      'mountFs root=0 target=/proc fstype=proc source=proc realDir',
      'mountFs root=0 target=/dev fstype=tmpfs source=tmpfs data=["mode=755","size=65536k"] attrs=34',
      'mountFs root=0 target=/dev/pts fstype=devpts source=devpts data=["newinstance","ptmxmode=0666","mode=0620","gid=5"] attrs=10',
      'mountFs root=0 target=/dev/shm fstype=tmpfs source=shm data=["mode=1777","size=65536k"] attrs=14',
      'mountFs root=0 target=/dev/mqueue fstype=mqueue source=mqueue attrs=14',
      'mountFs root=0 target=/sys fstype=sysfs source=sysfs sbFlags=["ro"] attrs=15 realDir',
      'waitGo',
      'joinCgroup slot=32',
      'joinCgroup slot=33',
      'mountFs root=0 target=/sys/fs/cgroup fstype=tmpfs source=tmpfs data=["mode=755"] attrs=14 to=256',
      'bind root=0 target=/sys/fs/cgroup/memory source=/sys/fs/cgroup/memory/demo recursive attrSet=15 attrClr=112',
      'bind root=0 target=/sys/fs/cgroup/cpu,cpuacct source=/sys/fs/cgroup/cpu,cpuacct/demo recursive attrSet=15 attrClr=112',
      'bind root=0 target=/sys/fs/cgroup/systemd source=/sys/fs/cgroup/systemd/init recursive attrSet=15 attrClr=112',
      'symlink dir=0 path=/sys/fs/cgroup/cpu target=cpu,cpuacct inRoot existOk',
      'symlink dir=0 path=/sys/fs/cgroup/cpuacct target=cpu,cpuacct inRoot existOk',
      'mountAttr slot=256 attrSet=1',
      'device root=0 path=/dev/null mode=8630 major=1 minor=3 uid=0 gid=0',
      'device root=0 path=/dev/zero mode=8630 major=1 minor=5 uid=0 gid=0',
      'device root=0 path=/dev/full mode=8630 major=1 minor=7 uid=0 gid=0',
      'device root=0 path=/dev/random mode=8630 major=1 minor=8 uid=0 gid=0',
      'device root=0 path=/dev/urandom mode=8630 major=1 minor=9 uid=0 gid=0',
      'device root=0 path=/dev/tty mode=8630 major=5 uid=0 gid=0',
      'symlink dir=0 path=/dev/fd target=/proc/self/fd inRoot existOk',
      'symlink dir=0 path=/dev/stdin target=/proc/self/fd/0 inRoot existOk',
      'symlink dir=0 path=/dev/stdout target=/proc/self/fd/1 inRoot existOk',
      'symlink dir=0 path=/dev/stderr target=/proc/self/fd/2 inRoot existOk',
      'symlink dir=0 path=/dev/core target=/proc/kcore inRoot existOk ifExists=/proc/kcore',
      'symlink dir=0 path=/dev/ptmx target=pts/ptmx inRoot replace',
      'pivotRoot root=0',
      'reopenNull',
      'mountAttr slot=0 attrSet=1',
      'readonlyPath root=0 path=/proc/bus',
      'readonlyPath root=0 path=/proc/fs',
      'readonlyPath root=0 path=/proc/irq',
      'readonlyPath root=0 path=/proc/sys',
      'readonlyPath root=0 path=/proc/sysrq-trigger',
      'maskPath root=0 path=/proc/acpi',
      'maskPath root=0 path=/proc/asound',
      'maskPath root=0 path=/proc/kcore',
      'maskPath root=0 path=/proc/keys',
      'maskPath root=0 path=/proc/latency_stats',
      'maskPath root=0 path=/proc/timer_list',
      'maskPath root=0 path=/proc/timer_stats',
      'maskPath root=0 path=/proc/sched_debug',
      'maskPath root=0 path=/sys/firmware',
      'maskPath root=0 path=/proc/scsi',
      'chdir path=/ noFail',
      `findProgram program=sh env=["${PATH}","TERM=xterm"]`,
      'dumpable on=false',
      'waitStart listen=2',
    ])
  })

  test('and to this tail', () => {
    expect(part(launch, 'tail')).toEqual([
      'noNewPrivs',
      'rlimit resource=7 soft=1024 hard=1024',
      'umask mask=18',
      'chdir path=/ noFail',
      'boundingCaps mask=536871968',
      'chownStdio uid=0',
      'setIds uid=0 gid=0',
      'chdir path=/ check retry',
      'caps effective=536871968 permitted=536871968 inheritable=0 ambient=0',
      `exec args=["sh"] env=["${PATH}","TERM=xterm"] home`,
    ])
  })

  test('says of each step where in the config it comes from', () => {
    for (const step of launch.init) {
      if (['mountFs', 'maskPath', 'rlimit', 'exec', 'pivotRoot'].includes(step.op)) {
        expect(step.from, step.op).toMatch(/^\//)
      }
    }
    expect(launch.init.find(({ op }) => op === 'maskPath')?.from).toBe('/linux/maskedPaths/0')
  })
})

describe('namespaces', () => {
  test('none at all: just a chroot', () => {
    const launch = compileCreate(input(bare()))
    expect(launch.flags).toBe(0)
    expect(part(launch, 'host')).toEqual(['open to=0 path=/bundle/rootfs flags=2097152'])
    expect(launch.pass).toContainEqual([SLOT.root, SLOT.root])
    expect(ops(launch)).toEqual([
      'affinity',
      'setsid',
      'keyring',
      'openProc',
      ...Array(6).fill('device'),
      ...Array(6).fill('symlink'),
      'chroot',
      'reopenNull',
      'chdir',
      'findProgram',
      'dumpable',
      'waitStart',
    ])
  })

  test('joined ones are opened first, and joined before anything is made', () => {
    const config = bare({
      linux: {
        namespaces: namespaces(['network', '/run/netns/a'], 'mount', ['pid', '/proc/7/ns/pid'], 'cgroup'),
      },
    })
    const launch = compileCreate(input(config, { cgroup: cgroup('v1') }))
    expect(launch.flags).toBe(CLONE.NEWNS)
    expect(part(launch, 'host')).toEqual([
      'open to=64 path=/run/netns/a flags=2304',
      'open to=66 path=/proc/7/ns/pid flags=2304',
    ])
    expect(part(launch, 'init').slice(0, 9)).toEqual([
      'joinCgroup slot=32',
      'joinCgroup slot=33',
      'affinity ignore=1,22',
      'dumpable on=false',
      `setns slot=64 type=${CLONE.NEWNET}`,
      `setns slot=66 type=${CLONE.NEWPID}`,
      `unshare flags=${CLONE.NEWCGROUP}`,
      'fork flags=0',
      'setsid',
    ])
    expect(ops(launch)).not.toContain('loopback')
    expect(launch.pass).toContainEqual([66, 66])
  })

  test("a path to the caller's own namespace is no namespace", () => {
    const config = bare({
      hostname: 'x',
      linux: { namespaces: namespaces(['uts', '/proc/self/ns/uts'], ['user', '/proc/self/ns/user']) },
    })
    const ids = { '/proc/self/ns/uts': 'uts:[5]', '/proc/self/ns/user': 'user:[1]' }
    expect(() => compileCreate(input(config, { namespaceIds: ids }))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_CONFIG_INVALID', path: '/hostname' }),
    )
    delete config.hostname
    const launch = compileCreate(input(config, { namespaceIds: ids }))
    expect(launch.host.map(({ op }) => op)).toEqual(['open'])
    expect(ops(launch)).not.toContain('setns')
  })

  test('a time namespace takes a further process, which makes the pid namespace', () => {
    const timeOffsets = { monotonic: { secs: 5 }, boottime: { secs: -3, nanosecs: 7 } }
    const config = bare({ linux: { namespaces: namespaces('pid', 'time', 'mount'), timeOffsets } })
    const launch = compileCreate(input(config))
    expect(launch.flags).toBe(CLONE.NEWNS)
    expect(part(launch, 'init').slice(0, 6)).toEqual([
      'affinity ignore=1,22',
      `unshare flags=${CLONE.NEWTIME}`,
      'timeOffset clock=1 secs=5 nanosecs=0',
      'timeOffset clock=7 secs=-3 nanosecs=7',
      `fork flags=${CLONE.NEWPID}`,
      'setsid',
    ])
  })

  test('a time namespace that the kernel lacks is refused', () => {
    const config = bare({ linux: { namespaces: namespaces('pid', 'time') } })
    expect(() => compileCreate(input(config, { host: host({ timeNamespace: false }) }))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: '/linux/namespaces/1' }),
    )
  })

  test('without a user namespace they need a privileged caller', () => {
    const config = bare({ linux: { namespaces: namespaces('pid', 'mount') } })
    expect(() => compileCreate(input(config, { host: host(USER) }))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_PERMISSION', path: '/linux/namespaces' }),
    )
  })
})

describe('the cgroup', () => {
  test('on v2 the launch is born in it', () => {
    const launch = compileCreate(input(bare(), { cgroup: cgroup('v2'), host: host({ cgroup: V2 }) }))
    expect(launch.cgroup).toBe(SLOT.cgroup)
    expect(ops(launch)).not.toContain('joinCgroup')
  })

  test('a kernel without CLONE_INTO_CGROUP joins by cgroup.procs', () => {
    const facts = host({ cgroup: V2, cloneIntoCgroup: false })
    const launch = compileCreate(input(bare(), { cgroup: cgroup('v2'), host: facts }))
    expect(launch.cgroup).toBeNull()
    expect(part(launch, 'host')[0]).toBe('open to=63 dir=13 path=cgroup.procs flags=1')
    expect(part(launch, 'init')[0]).toBe('joinCgroup slot=63')
    expect(launch.pass).toContainEqual([63, 63])
  })

  test('on v1 init joins on its way, before what is mounted of the cgroup or charged to it', () => {
    const tmp = { destination: '/t', type: 'tmpfs', source: 'tmpfs' }
    const targets = (mounts: NonNullable<Config['mounts']>) => {
      const config = bare({ mounts, linux: { namespaces: namespaces('mount') } })
      const { init, joinsLater } = compileCreate(input(config, { cgroup: cgroup('v1') }))
      expect(joinsLater).toBe(true)
      return init.flatMap((step) =>
        step.op === 'joinCgroup' || step.op === 'waitGo' ? step.op : step.op === 'mountFs' ? step.target : [],
      )
    }
    const join = ['waitGo', 'joinCgroup', 'joinCgroup']
    expect(targets([tmp])).toEqual(['/t', ...join])
    const filled = { ...tmp, destination: '/u', options: ['tmpcopyup'] }
    expect(targets([tmp, filled, tmp])).toEqual(['/t', ...join, '/u', '/t'])
    expect(targets([tmp, { destination: '/c', type: 'cgroup' }])).toEqual(['/t', ...join, '/c'])
  })

  test.each<[string, NonNullable<Config['linux']>]>([
    ['a user namespace', { namespaces: namespaces('mount', 'user'), ...MAPS }],
    ['a time namespace', { namespaces: namespaces('pid', 'time') }],
    ['a cgroup namespace', { namespaces: namespaces('cgroup') }],
    ['a namespace to join', { namespaces: namespaces(['network', '/run/netns/a']) }],
    ['a limit of processes', { namespaces: namespaces('mount'), resources: { pids: { limit: 3 } } }],
  ])('with %s it joins first', (_, linux) => {
    const launch = compileCreate(input(bare({ linux }), { cgroup: cgroup('v1') }))
    expect(launch.joinsLater).toBe(false)
    expect(ops(launch)).not.toContain('waitGo')
    expect(launch.pass).toContainEqual([SLOT_RANGE.cgroups, SLOT_RANGE.cgroups])
  })

  test('joining may fail where it is optional', () => {
    const launch = compileCreate(input(bare(), { cgroup: cgroup('v1', true) }))
    expect(part(launch, 'init').slice(0, 2)).toEqual([
      'joinCgroup slot=32 ignore=13,1',
      'joinCgroup slot=33 ignore=13,1',
    ])
  })
})

describe('what else is on the way', () => {
  test('no process: the plan ends at created', () => {
    const { process: _, ...config } = defaultSpec()
    const launch = compileCreate(input(config))
    expect(launch.tail).toBe(-1)
    expect(launch.init.at(-1)?.op).toBe('waitStart')
    expect(ops(launch)).not.toContain('findProgram')
  })

  test('hooks: the caller waits for, then init runs its own in the root directory before the pivot', () => {
    const config = bare({
      linux: { namespaces: namespaces('mount') },
      hooks: {
        createRuntime: [{ path: '/r' }],
        createContainer: [{ path: '/c', args: ['c', '-x'], timeout: 2 }],
      },
    })
    const launch = compileCreate(input(config))
    const names = ops(launch)
    const at = names.indexOf('sync')
    expect(names.slice(at, at + 4)).toEqual(['sync', 'fchdir', 'hook', 'pivotRoot'])
    expect(part(launch, 'init')[at]).toBe('sync name=2')
    expect(part(launch, 'init')[at + 2]).toBe(
      'hook path=/c args=["c","-x"] env=[] stdinHead={"ociVersion":"1.3.0","id":"demo","status":"creating","pid": stdinTail=,"bundle":"/bundle"} timeoutMs=2000',
    )
    expect(ops(compileCreate(input(bare())))).not.toContain('sync')
  })

  test('a terminal, with its size and the console socket', () => {
    const config = defaultSpec()
    Object.assign(config.process ?? {}, { terminal: true, consoleSize: { height: 24, width: 80 } })
    const launch = compileCreate(input(config, { consoleSocket: true }))
    const names = ops(launch)
    const at = names.indexOf('console')
    expect(names[at - 1]).toBe('reopenNull')
    expect(part(launch, 'init')[at]).toBe('console rows=24 columns=80 bindConsole socket=3')
    expect(launch.pass).toContainEqual([SLOT.consoleSocket, SLOT.consoleSocket])
    expect(launch.init.some(({ op }) => op === 'chownStdio')).toBe(false)
    const plain = compileCreate(input(config))
    expect(part(plain, 'init')[at]).toBe('console rows=24 columns=80 bindConsole')
  })

  test('without pivot_root, without a keyring, with fds to keep', () => {
    const launch = compileCreate(
      input(defaultSpec(), { noPivot: true, noNewKeyring: true, preserveFds: 2, listenPid: true }),
    )
    expect(ops(launch)).toContain('moveRoot')
    expect(ops(launch)).not.toContain('pivotRoot')
    expect(ops(launch)).not.toContain('keyring')
    expect(launch.pass.slice(-2)).toEqual([
      [96, 96],
      [97, 97],
    ])
    expect(part(launch, 'tail').at(-1)).toMatch(/fds=\[96,97\] home pidEnv$/)
  })

  test('a working directory is made before anything turns read-only', () => {
    const config = defaultSpec()
    if (config.process) config.process.cwd = '/srv/app'
    const launch = compileCreate(input(config))
    const steps = part(launch, 'init')
    const at = steps.indexOf('mkdir dir=0 path=/srv/app mode=493 inRoot parents existOk')
    expect(at).toBeGreaterThan(steps.indexOf('pivotRoot root=0'))
    expect(at).toBeLessThan(steps.indexOf('mountAttr slot=0 attrSet=1'))
  })

  test('oomScoreAdj is written at once, 0 included, and not at all if it is absent', () => {
    const config = bare()
    if (config.process) config.process.oomScoreAdj = 0
    expect(part(compileCreate(input(config)), 'init')[1]).toBe('oomScoreAdj value=0')
    expect(ops(compileCreate(input(bare())))).not.toContain('oomScoreAdj')
  })

  test('what is not implemented is refused, not forgotten', () => {
    const refuse = (linux: NonNullable<ReturnType<typeof bare>['linux']>, path: string) => {
      expect(() => compileCreate(input(bare({ linux })))).toThrow(
        expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path }),
      )
    }
    refuse({ intelRdt: {} }, '/linux/intelRdt')
    refuse({ netDevices: { eth0: {} } }, '/linux/netDevices')
    refuse({ mountLabel: 'system_u:object_r:x' }, '/linux/mountLabel')
  })

  test('every plan can be encoded', () => {
    for (const launch of [
      compileCreate(input(defaultSpec(), { cgroup: cgroup('v1') })),
      compileCreate(input(bare())),
    ]) {
      expect(encodePlan(launch.init).length).toBeGreaterThan(0)
    }
    expect(ALL_CAPS).toBe(0x1ff_ffff_ffffn)
  })
})
