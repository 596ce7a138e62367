import { describe, expect, test } from 'vitest'
import { CAPABILITIES, capabilityMasks } from '../../../lib/plan/capabilities.ts'
import { RLIM_INFINITY } from '../../../lib/plan/constants.ts'
import { cpuMask } from '../../../lib/plan/cpu-list.ts'
import { compileTail } from '../../../lib/plan/process.ts'
import { RLIMITS } from '../../../lib/plan/rlimits.ts'
import type { PlanWarning, TailInput } from '../../../lib/plan/types.ts'
import type { Config, Process } from '../../../types/index.ts'
import { ALL_CAPS, bare, host, lines, namespaces, only } from './fixtures.ts'

const FILTER = { filter: new Uint8Array(16), flags: 4 }

function tail(process: Partial<Process>, more: Partial<TailInput> = {}, config: Partial<Config> = {}) {
  return compileTail({
    process: { args: ['/bin/true'], cwd: '/', ...process },
    config: bare(config),
    id: 'demo',
    bundle: '/bundle',
    host: host(),
    seccomp: null,
    preserveFds: 0,
    listenPid: false,
    startHooks: true,
    setgroupsDenied: false,
    lookup: false,
    ...more,
  })
}

const ops = (steps: ReturnType<typeof tail>) => steps.map(({ op }) => op)

describe('the tail', () => {
  test('of a process with nothing: no capabilities, umask 022, the soft limit of files brought down', () => {
    expect(lines(tail({}))).toEqual([
      'rlimit resource=7 soft=1024 hard=1024 lower',
      'umask mask=18',
      'chdir path=/ noFail',
      'boundingCaps mask=0',
      'chownStdio uid=0',
      'setIds uid=0 gid=0',
      'chdir path=/ check retry',
      'caps effective=0 permitted=0 inheritable=0 ambient=0',
      'exec args=["/bin/true"] env=[] home',
    ])
  })

  test('of a process with everything, in this order', () => {
    const steps = tail(
      {
        apparmorProfile: 'docker-default',
        selinuxLabel: 'a:b:c:d',
        scheduler: { policy: 'SCHED_RR', priority: 5, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
        ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
        user: { uid: 1000, gid: 100, umask: 0o77, additionalGids: [5, 6] },
        cwd: '/home',
      },
      { host: host({ apparmor: true, selinux: true }), seccomp: FILTER },
      {
        hooks: { startContainer: [{ path: '/hook' }] },
        linux: { personality: { domain: 'LINUX32' }, memoryPolicy: { mode: 'MPOL_BIND', nodes: '0' } },
      },
    )
    expect(lines(steps)).toEqual([
      'lsmLabel proc=1 lsm=apparmor value=exec docker-default',
      'scheduler policy=2 flags=1 priority=5',
      'ioPriority value=16388',
      'personality persona=8',
      'memoryPolicy mode=2 nodes=8 bytes',
      'lsmLabel proc=1 lsm=selinux value=a:b:c:d',
      'rlimit resource=7 soft=1024 hard=1024 lower',
      'seccomp flags=4 filter=16 bytes',
      'umask mask=63',
      'chdir path=/home noFail',
      'boundingCaps mask=0',
      'chownStdio uid=1000',
      'setIds uid=1000 gid=100 groups=[5,6] keepCaps',
      'chdir path=/home check retry',
      'caps effective=0 permitted=0 inheritable=0 ambient=0',
      'hook path=/hook args=["/hook"] env=[] stdinHead={"ociVersion":"1.3.0","id":"demo","status":"created","pid": stdinTail=,"bundle":"/bundle"}',
      'exec args=["/bin/true"] env=[] home homeUid=1000',
    ])
  })

  test('with noNewPrivileges the filter comes last, after the lookup; without it, before anything is given up', () => {
    const late = ops(tail({ noNewPrivileges: true }, { seccomp: FILTER, lookup: true }))
    expect(late.slice(0, 1)).toEqual(['noNewPrivs'])
    expect(late.slice(-4)).toEqual(['caps', 'findProgram', 'seccomp', 'exec'])
    const early = ops(tail({}, { seccomp: FILTER, lookup: true }))
    expect(early.indexOf('seccomp')).toBeLessThan(early.indexOf('boundingCaps'))
    expect(early.slice(-3)).toEqual(['caps', 'findProgram', 'exec'])
  })

  test('a filter that the config has and nobody compiled is an error', () => {
    const linux = { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' as const } }
    expect(() => tail({}, {}, { linux })).toThrow(expect.objectContaining({ code: 'ERR_OCI_INTERNAL' }))
  })

  test('labels for an LSM that is not there are errors', () => {
    for (const [process, path] of [
      [{ apparmorProfile: 'x' }, '/process/apparmorProfile'],
      [{ selinuxLabel: 'x' }, '/process/selinuxLabel'],
    ] as const) {
      expect(() => tail(process)).toThrow(expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path }))
    }
    expect(ops(tail({ apparmorProfile: '', selinuxLabel: '' }))).not.toContain('lsmLabel')
  })

  test('the startContainer hooks have the environment of the container, and exec none of them', () => {
    const hooks = { hooks: { startContainer: [{ path: '/h' }, { path: '/i', env: ['A=1'] }] } }
    const env = ['PATH=/bin']
    expect(lines(tail({ env }, {}, hooks)).filter((line) => line.startsWith('hook'))).toEqual([
      expect.stringContaining('env=["PATH=/bin"]'),
      expect.stringContaining('env=["A=1"]'),
    ])
    expect(ops(tail({ env }, { startHooks: false }, hooks))).not.toContain('hook')
  })

  test('the environment keeps its order; the last of a name counts; an empty HOME is none', () => {
    const exec = (env: string[]) => only(tail({ env }), 'exec')[0]
    expect(exec(['A=1', 'B=2', 'A=3'])).toBe('exec args=["/bin/true"] env=["B=2","A=3"] home')
    expect(exec(['HOME=', 'A=1'])).toBe('exec args=["/bin/true"] env=["A=1"] home')
    expect(exec(['HOME=/h', 'B=', 'A==='])).toBe('exec args=["/bin/true"] env=["HOME=/h","B=","A==="]')
    for (const wrong of ['A', '=x', '']) {
      expect(() => exec([wrong])).toThrow(expect.objectContaining({ path: '/process/env/0' }))
    }
  })

  test('a joined user namespace may deny setgroups, but not silently', () => {
    const linux = { namespaces: namespaces(['user', '/u']) }
    expect(only(tail({}, {}, { linux }), 'setIds')).toEqual([
      'setIds uid=0 gid=0 ignore=1',
      'orElse setIds uid=0 gid=0 keepGroups',
    ])
    const user = { uid: 0, gid: 0, additionalGids: [3] }
    expect(only(tail({ user }, {}, { linux }), 'setIds')).toEqual(['setIds uid=0 gid=0 groups=[3]'])
    expect(() => tail({ user }, { setgroupsDenied: true })).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_PERMISSION', path: '/process/user/additionalGids' }),
    )
  })

  test('a process that start brings may have a directory that is not there yet', () => {
    const cwd = '/new'
    const chdirs = (more: Partial<TailInput>) => only(tail({ cwd }, more), 'chdir')[0]
    expect(chdirs({ lookup: true })).toBe('chdir path=/new create noFail')
    expect(chdirs({})).toBe('chdir path=/new noFail')
    expect(chdirs({ lookup: true, startHooks: false })).toBe('chdir path=/new noFail')
  })

  test('no program to run is an error', () => {
    expect(() => tail({ args: [] }, { lookup: true })).toThrow(
      expect.objectContaining({ path: '/process/args' }),
    )
  })
})

describe('capabilities', () => {
  const warnings: PlanWarning[] = []
  const masks = (sets: Process['capabilities'], grantable = ALL_CAPS) => {
    warnings.length = 0
    return capabilityMasks(sets, grantable, (warning) => warnings.push(warning))
  }

  test('have the numbers of the kernel', () => {
    expect(CAPABILITIES).toHaveLength(41)
    expect(CAPABILITIES[21]).toBe('CAP_SYS_ADMIN')
    expect(CAPABILITIES[40]).toBe('CAP_CHECKPOINT_RESTORE')
    expect(masks({ bounding: ['CAP_KILL', 'CAP_CHECKPOINT_RESTORE'] }).bounding).toBe(
      (1n << 5n) | (1n << 40n),
    )
  })

  test('unknown and ungrantable ones are left out with a warning', () => {
    const all = ['CAP_KILL', 'CAP_NONSENSE', 'CAP_BPF']
    const sets = masks({ bounding: all, permitted: all, effective: all }, 1n << 5n)
    expect(sets).toEqual({ bounding: 32n, permitted: 32n, effective: 32n, inheritable: 0n, ambient: 0n })
    expect(warnings).toHaveLength(6)
    expect(warnings[0]).toEqual({
      path: '/process/capabilities/bounding/1',
      message: 'Unknown capability "CAP_NONSENSE" is ignored',
    })
    expect(warnings[1]?.message).toMatch(/CAP_BPF can't be granted/)
  })

  test('sets stay within what the kernel takes', () => {
    const sets = masks({
      bounding: ['CAP_KILL', 'CAP_CHOWN'],
      permitted: ['CAP_KILL', 'CAP_CHOWN'],
      effective: ['CAP_KILL', 'CAP_BPF'],
      inheritable: ['CAP_CHOWN', 'CAP_BPF'],
      ambient: ['CAP_CHOWN', 'CAP_KILL'],
    })
    expect(sets).toEqual({ bounding: 33n, permitted: 33n, effective: 32n, inheritable: 1n, ambient: 1n })
    expect(warnings.map(({ path }) => path.split('/').at(-2))).toEqual([
      'effective',
      'inheritable',
      'ambient',
    ])
  })

  test("without a user namespace only the caller's can be granted", () => {
    const process = { capabilities: { permitted: ['CAP_SYS_RESOURCE'], effective: ['CAP_SYS_RESOURCE'] } }
    const facts = host({ effectiveCaps: ALL_CAPS & ~(1n << 24n) })
    expect(only(tail(process, { host: facts }), 'caps')[0]).toContain('permitted=0')
    const linux = { namespaces: namespaces('user') }
    expect(only(tail(process, { host: facts }, { linux }), 'caps')[0]).toContain(`permitted=${1 << 24}`)
  })
})

describe('limits', () => {
  test('are exact, in the numbers of the kernel, up to no limit at all', () => {
    expect(RLIMITS).toHaveLength(16)
    const rlimits = [
      { type: 'RLIMIT_CORE', soft: 0, hard: RLIM_INFINITY },
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
      { type: 'RLIMIT_RTTIME', soft: 1, hard: 2 },
    ]
    expect(only(tail({ rlimits }), 'rlimit')).toEqual([
      'rlimit resource=4 soft=0 hard=18446744073709551615',
      'rlimit resource=7 soft=100 hard=200',
      'rlimit resource=15 soft=1 hard=2',
    ])
  })

  test('of an unknown kind are errors', () => {
    expect(() => tail({ rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] })).toThrow(
      expect.objectContaining({ path: '/process/rlimits/0/type' }),
    )
  })
})

describe('the scheduler', () => {
  test('deadline', () => {
    const scheduler = { policy: 'SCHED_DEADLINE', runtime: 10n ** 16n, deadline: 2, period: 3 } as const
    expect(only(tail({ scheduler }), 'scheduler')).toEqual([
      'scheduler policy=6 runtime=10000000000000000 deadline=2 period=3',
    ])
  })

  test('nice', () => {
    expect(only(tail({ scheduler: { policy: 'SCHED_BATCH', nice: -5 } }), 'scheduler')).toEqual([
      'scheduler policy=3 nice=-5',
    ])
  })

  test('lists of CPUs and nodes are bit masks', () => {
    expect([...cpuMask('0-3,7', '/x')]).toEqual([0x8f, 0, 0, 0, 0, 0, 0, 0])
    expect([...cpuMask(' 64 - 65 , 0', '/x')]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0])
    for (const wrong of ['', '1-', '3-1', 'a', '1,,2', '99999']) {
      expect(() => cpuMask(wrong, '/x'), wrong).toThrow(expect.objectContaining({ path: '/x' }))
    }
  })
})
