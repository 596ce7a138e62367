import { expect, test } from 'vitest'
import { locateCgroup } from '../../../lib/cgroup/location.ts'
import { oomFiles, oomKillCount } from '../../../lib/cgroup/oom.ts'
import { freezerEvents } from '../../../lib/cgroup/operate.ts'
import { HYBRID, V1, V2 } from './machines.ts'

test('by which files memory tells that it ran out', () => {
  const memory = '/sys/fs/cgroup/memory/c1'
  for (const layout of [V1, HYBRID]) {
    expect(oomFiles(locateCgroup(layout, 'c1', '/c1'))).toEqual({
      version: 1,
      counts: `${memory}/memory.oom_control`,
      control: `${memory}/cgroup.event_control`,
    })
  }
  const v2 = locateCgroup(V2, 'c1', '/c1')
  expect(oomFiles(v2)).toEqual({ version: 2, counts: '/sys/fs/cgroup/c1/memory.events' })
  expect(oomFiles({ mode: 'disabled', v1: [], v2: null })).toBeNull()
})

test('the count of kills', () => {
  expect(oomKillCount('oom_kill_disable 0\nunder_oom 0\noom_kill 3\n')).toBe(3)
  expect(oomKillCount('low 0\nhigh 0\nmax 6\noom 5\noom_kill 2\noom_group_kill 1\n')).toBe(2)
  // Before Linux 4.13 there is none.
  expect(oomKillCount('oom_kill_disable 0\nunder_oom 0\n')).toBe(0)
})

test('by which file the freezer tells', () => {
  expect(freezerEvents(locateCgroup(V1, 'c1', '/c1'))).toEqual({
    path: '/sys/fs/cgroup/freezer/c1/freezer.state',
    v1: true,
  })
  expect(freezerEvents(locateCgroup(V2, 'c1', '/c1'))).toEqual({
    path: '/sys/fs/cgroup/c1/cgroup.events',
    v1: false,
  })
  expect(freezerEvents({ mode: 'disabled', v1: [], v2: null })).toBeNull()
})
