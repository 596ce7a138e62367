import { describe, expect, test } from 'vitest'
import { CLONE } from '../../../lib/plan/constants.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { compileExec } from '../../../lib/plan/exec.ts'
import { SLOT } from '../../../lib/plan/slots.ts'
import type { ExecInput } from '../../../lib/plan/types.ts'
import { bare, cgroup, execInput, host, lines, namespaces, USER, V2 } from './fixtures.ts'

const { NEWNS, NEWPID, NEWUSER, NEWNET } = CLONE

function init(more: Partial<ExecInput>, config = bare()): string[] {
  return lines(compileExec(execInput(config, more)).init)
}

describe('exec', () => {
  test('joins the cgroup, then the namespaces at once, then becomes the process', () => {
    const launch = compileExec(execInput(bare(), { cgroup: cgroup('v1').creation }))
    expect(lines(launch.init)).toEqual([
      'dumpable on=false',
      'joinCgroup slot=32',
      'joinCgroup slot=33',
      'affinity ignore=1,22',
      `setns slot=12 type=${NEWNS | NEWPID}`,
      'fork flags=0',
      'setsid',
      'keyring name=_ses.demo mayFail ignore=38',
      'rlimit resource=7 soft=1024 hard=1024 lower',
      'umask mask=18',
      'chdir path=/ noFail',
      'boundingCaps mask=0',
      'chownStdio uid=0',
      'setIds uid=0 gid=0',
      'chdir path=/ check retry',
      'caps effective=0 permitted=0 inheritable=0 ambient=0',
      'findProgram program=/bin/true env=[]',
      'exec args=["/bin/true"] env=[] home',
    ])
    expect(launch).toMatchObject({ flags: 0, maps: null, tail: -1, cgroup: null, host: [] })
    expect(launch.pass).toEqual([
      [32, 32],
      [33, 33],
      [SLOT.target, SLOT.target],
    ])
    expect(encodePlan(launch.init).length).toBeGreaterThan(0)
  })

  test('is born in a v2 cgroup, unless it has CPUs of its own before', () => {
    const facts = host({ cgroup: V2 })
    const made = cgroup('v2').creation
    const born = compileExec(execInput(bare(), { cgroup: made, host: facts }))
    expect(born.cgroup).toBe(SLOT.cgroup)
    const process = { args: ['/bin/true'], cwd: '/', execCPUAffinity: { initial: '0', final: '0-1' } }
    const launch = compileExec(execInput(bare(), { cgroup: made, host: facts, process }))
    expect(launch.cgroup).toBeNull()
    expect(lines(launch.host)).toEqual(['open to=63 dir=13 path=cgroup.procs flags=1'])
    expect(lines(launch.init).slice(1, 4)).toEqual([
      'affinity mask=8 bytes',
      'joinCgroup slot=63',
      'affinity mask=8 bytes',
    ])
    const initial = { ...process, execCPUAffinity: { initial: '0' } }
    const steps = init({ cgroup: made, process: initial })
    expect(steps.filter((line) => line.startsWith('affinity'))).toEqual(['affinity mask=8 bytes'])
  })

  test('into a user namespace, by a privileged caller: it last, and limits raised before', () => {
    const process = {
      args: ['x'],
      cwd: '/',
      rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }],
      user: { uid: 7, gid: 8 },
    }
    const config = bare({
      linux: {
        namespaces: namespaces('user', 'mount', 'pid', ['network', '/n']),
        uidMappings: [{ containerID: 5, hostID: 1000, size: 10 }],
        gidMappings: [{ containerID: 5, hostID: 1000, size: 10 }],
      },
    })
    const steps = init({ joinFlags: NEWUSER | NEWNS | NEWPID | NEWNET, process }, config)
    expect(steps.slice(0, 8)).toEqual([
      'dumpable on=false',
      'affinity ignore=1,22',
      'rlimit resource=4 soft=1 hard=2 raise',
      `setns slot=12 type=${NEWNS | NEWPID | NEWNET}`,
      `setns slot=12 type=${NEWUSER}`,
      'setIds uid=7 gid=8 keepGroups',
      'fork flags=0',
      'setsid',
    ])
  })

  test('into a user namespace, by an unprivileged caller: all at once', () => {
    const config = bare({ linux: { namespaces: namespaces('user', 'mount') } })
    const steps = init({ joinFlags: NEWUSER | NEWNS, host: host(USER), setgroupsDenied: true }, config)
    expect(steps.slice(2, 5)).toEqual([
      `setns slot=12 type=${NEWUSER | NEWNS}`,
      'setIds uid=0 gid=0 keepGroups',
      'setsid',
    ])
    expect(steps.filter((line) => line.startsWith('setIds')).at(-1)).toBe('setIds uid=0 gid=0 keepGroups')
  })

  test('a container of a mere chroot: its root is joined', () => {
    const launch = compileExec(
      execInput(bare(), { joinFlags: 0, joinRoot: true, consoleSocket: true, preserveFds: 1 }),
    )
    const steps = lines(launch.init)
    expect(steps.slice(2, 4)).toEqual(['fchdir slot=0 chroot', 'setsid'])
    expect(launch.pass).toEqual([
      [SLOT.root, SLOT.root],
      [SLOT.consoleSocket, SLOT.consoleSocket],
      [96, 96],
    ])
  })

  test('a terminal is not bound on /dev/console', () => {
    const process = { args: ['sh'], cwd: '/', terminal: true, user: { uid: 3, gid: 3 } }
    expect(init({ process })).toContain('console uid=3')
  })

  test("the oom score is the process's own, else the container's", () => {
    const config = bare()
    if (config.process) config.process.oomScoreAdj = 100
    const process = { args: ['x'], cwd: '/' }
    expect(init({ process }, config)[0]).toBe('oomScoreAdj value=100')
    expect(init({ process: { ...process, oomScoreAdj: 0 } }, config)[0]).toBe('oomScoreAdj value=0')
  })

  test('labels go through a procfs that was opened before the container was entered', () => {
    const process = { args: ['x'], cwd: '/', apparmorProfile: 'p' }
    const steps = init({ process, host: host({ apparmor: true }) })
    expect(steps.indexOf('openProc to=1')).toBeLessThan(steps.findIndex((line) => line.startsWith('setns')))
    expect(steps).toContain('lsmLabel proc=1 lsm=apparmor value=exec p')
  })

  test('no keyring, no startContainer hooks; warnings of the process', () => {
    const config = bare({ hooks: { startContainer: [{ path: '/h' }] } })
    const process = { args: ['x'], cwd: '/', capabilities: { bounding: ['CAP_X'] } }
    const launch = compileExec(execInput(config, { noNewKeyring: true, process }))
    const ops = launch.init.map(({ op }) => op)
    expect(ops).not.toContain('keyring')
    expect(ops).not.toContain('hook')
    expect(launch.warnings).toHaveLength(1)
  })
})
