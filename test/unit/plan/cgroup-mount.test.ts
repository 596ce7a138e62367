import { describe, expect, test } from 'vitest'
import { compileCreate } from '../../../lib/plan/create.ts'
import type { CreateInput, HostFacts } from '../../../lib/plan/types.ts'
import type { NamespaceType } from '../../../types/index.ts'
import { bare, cgroup, host, input, namespaces, only, V2 } from './fixtures.ts'

function steps(
  types: NamespaceType[],
  options: string[],
  facts: Partial<HostFacts>,
  made: CreateInput['cgroup'],
): string[] {
  const config = bare({
    mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options }],
    linux: { namespaces: namespaces('mount', ...types) },
  })
  const { init } = compileCreate(input(config, { host: host(facts), cgroup: made }))
  const names = ['mountFs', 'bind', 'symlink', 'mountAttr', 'maskPath']
  return only(init, ...names).filter((line) => line.includes('/sys/fs/cgroup') || line.includes('mountAttr'))
}

const OPTIONS = ['nosuid', 'noexec', 'nodev', 'ro']

describe('v2', () => {
  const facts = { cgroup: V2 }

  test('a mount, and where it is forbidden a bind of the whole tree, read-only all the way down', () => {
    expect(steps([], OPTIONS, facts, cgroup('v2'))).toEqual([
      'mountFs root=0 target=/sys/fs/cgroup fstype=cgroup2 source=cgroup attrs=15 ignore=1,16',
      'orElse bind root=0 target=/sys/fs/cgroup source=/sys/fs/cgroup attrSet=15 recSet=1 ignore=2',
      'orElse maskPath root=0 path=/sys/fs/cgroup',
    ])
  })

  test("with a cgroup namespace the bind is of the container's own", () => {
    const lines = steps(['cgroup'], ['rw'], facts, cgroup('v2'))
    expect(lines[1]).toBe(
      'orElse bind root=0 target=/sys/fs/cgroup source=/sys/fs/cgroup/demo attrClr=1 ignore=2',
    )
  })

  test('an old kernel makes at least the mount itself read-only', () => {
    expect(steps([], ['ro'], { ...facts, mountSetattr: false }, null)[1]).toBe(
      'orElse bind root=0 target=/sys/fs/cgroup source=/sys/fs/cgroup attrSet=1 ignore=2',
    )
  })
})

describe('v1', () => {
  test("the container's cgroups are bound; where it has none, those of the caller", () => {
    expect(steps([], ['rw', 'nosuid'], {}, cgroup('v1'))).toEqual([
      'mountFs root=0 target=/sys/fs/cgroup fstype=tmpfs source=tmpfs data=["mode=755"] attrs=14 to=256',
      'bind root=0 target=/sys/fs/cgroup/memory source=/sys/fs/cgroup/memory/demo recursive attrSet=2 attrClr=1',
      'bind root=0 target=/sys/fs/cgroup/cpu,cpuacct source=/sys/fs/cgroup/cpu,cpuacct/demo recursive attrSet=2 attrClr=1',
      'bind root=0 target=/sys/fs/cgroup/systemd source=/sys/fs/cgroup/systemd/init recursive attrSet=2 attrClr=1',
      'symlink dir=0 path=/sys/fs/cgroup/cpu target=cpu,cpuacct inRoot existOk',
      'symlink dir=0 path=/sys/fs/cgroup/cpuacct target=cpu,cpuacct inRoot existOk',
    ])
  })

  test('with a cgroup namespace each hierarchy is mounted, and bound where that is forbidden', () => {
    const lines = steps(['cgroup'], OPTIONS, {}, cgroup('v1'))
    expect(lines.slice(1, 3)).toEqual([
      'mountFs root=0 target=/sys/fs/cgroup/memory fstype=cgroup source=cgroup data=["memory"] attrs=15 ignore=1,16',
      'orElse bind root=0 target=/sys/fs/cgroup/memory source=/sys/fs/cgroup/memory/demo recursive attrSet=15',
    ])
    expect(lines[3]).toContain('data=["cpu","cpuacct"]')
    expect(lines[5]).toContain('fstype=cgroup source=systemd data=["name=systemd"]')
    expect(lines.at(-1)).toBe('mountAttr slot=256 attrSet=1')
  })

  test('hybrid is v1, without the v2 tree', () => {
    const layout = { ...host().cgroup, mode: 'hybrid' as const, v2: V2.v2 }
    const lines = steps([], ['ro'], { cgroup: layout }, cgroup('v1'))
    expect(lines).toHaveLength(1 + 3 + 2 + 1)
    expect(lines.join('\n')).not.toContain('cgroup2')
  })

  test('a host without cgroups shows an empty directory', () => {
    const lines = steps([], ['ro'], { cgroup: { mode: 'none', v1: [], v2: null } }, null)
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['mountFs', 'mountAttr'])
  })
})
