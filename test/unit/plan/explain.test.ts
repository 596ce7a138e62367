import { describe, expect, test } from 'vitest'
import { compileCreate } from '../../../lib/plan/create.ts'
import { explainPlan, explainPlanJson } from '../../../lib/plan/explain.ts'
import { bare, cgroup, defaultSpec, input, namespaces } from './fixtures.ts'

describe('a plan for people', () => {
  test('one line a step, with its place in the config', () => {
    const config = bare({
      linux: {
        namespaces: namespaces('user', 'mount', ['network', '/run/n s']),
        uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
        gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      },
    })
    const text = explainPlan(compileCreate(input(config)))
    expect(text).toContain(
      'host (the caller)\n   0  open to=66 path="/run/n s" flags=0x900  [/linux/namespaces/2/path]\n',
    )
    expect(text).toContain('init in new namespaces: NEWNS\n   0  affinity (errno 1, 22 is no failure)\n')
    expect(text).toContain('  setns slot=66 type=0x40000000  [/linux/namespaces/2/path]\n')
    expect(text).toContain('tail (after start)\n')
    expect(text).toContain('uid map: 0 100000 65536\ngid map: 0 100000 65536\n')
    expect(explainPlan(compileCreate(input(defaultSpec())))).toContain(
      'init in new namespaces: NEWNS NEWUTS NEWIPC NEWPID NEWNET\n',
    )
  })

  test('every step has a line, warnings too', () => {
    const config = defaultSpec()
    config.process?.capabilities?.bounding?.push('CAP_X')
    const launch = compileCreate(input(config, { cgroup: cgroup('v1') }))
    const text = explainPlan(launch)
    expect(text.match(/^ +\d+ {2}/gm)).toHaveLength(launch.init.length)
    expect(text).toContain(
      'warning: Unknown capability "CAP_X" is ignored  [/process/capabilities/bounding/3]\n',
    )
  })
})

describe('a plan for programs', () => {
  test('is plain JSON, with the index that errors and traces name', () => {
    const launch = compileCreate(
      input(defaultSpec(), { seccomp: { filter: new Uint8Array(24), flags: 0 }, cgroup: cgroup('v1') }),
    )
    const plan = explainPlanJson(launch)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    const tail = plan.steps.filter(({ part }) => part === 'tail')
    expect(tail[0]?.index).toBe(launch.tail)
    expect(tail.find(({ op }) => op === 'seccomp')?.fields).toEqual({ flags: 0, filter: '24 bytes' })
    expect(plan.clone).toEqual(['NEWNS', 'NEWUTS', 'NEWIPC', 'NEWPID', 'NEWNET'])
    expect(plan.steps.find(({ op }) => op === 'keyring')).toEqual({
      part: 'init',
      index: 2,
      op: 'keyring',
      fields: { name: '_ses.demo', mayFail: true },
      ignore: [38],
    })
  })

  test('integers that JSON would damage are text', () => {
    const config = bare({
      process: { args: ['x'], cwd: '/', rlimits: [{ type: 'RLIMIT_CORE', soft: 1n, hard: 2n ** 64n - 1n }] },
    })
    const rlimit = explainPlanJson(compileCreate(input(config))).steps.find(({ op }) => op === 'rlimit')
    expect(rlimit?.fields).toEqual({ resource: 4, soft: 1, hard: '18446744073709551615' })
  })
})
