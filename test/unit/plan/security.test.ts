import { describe, expect, test } from 'vitest'
import { compileCreate } from '../../../lib/plan/create.ts'
import { containerState, stateAroundPid } from '../../../lib/plan/state.ts'
import type { CreateInput } from '../../../lib/plan/types.ts'
import type { Linux } from '../../../types/index.ts'
import { bare, input, namespaces, only } from './fixtures.ts'

function steps(linux: Linux, more: Partial<CreateInput> = {}): string[] {
  return only(compileCreate(input(bare({ linux }), more)).init, 'sysctl', 'readonlyPath', 'maskPath')
}

describe('protection', () => {
  test('parameters first, then read-only paths, then masks; each path once', () => {
    expect(
      steps({
        namespaces: namespaces('mount', 'network', 'ipc'),
        maskedPaths: ['/proc/kcore', '/proc//kcore', '/a/../b'],
        readonlyPaths: ['/proc/sys'],
        sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.sem': '1 2' },
      }),
    ).toEqual([
      'sysctl proc=1 key=net/ipv4/ip_forward value=1',
      'sysctl proc=1 key=kernel/sem value=1 2',
      'readonlyPath root=0 path=/proc/sys',
      'maskPath root=0 path=/proc/kcore',
      'maskPath root=0 path=/b',
    ])
  })

  test('the separator of a parameter is the first one in its name', () => {
    const linux = { namespaces: namespaces('network') }
    for (const name of ['net.ipv4.conf.eno2/100.forwarding', 'net/ipv4/conf/eno2.100/forwarding']) {
      expect(steps({ ...linux, sysctl: { [name]: '1' } })).toEqual([
        'sysctl proc=1 key=net/ipv4/conf/eno2.100/forwarding value=1',
      ])
    }
  })

  test("a parameter of the host's namespace is refused, joined by a path or not", () => {
    const sysctl = { 'net.core.somaxconn': '1' }
    const refused = expect.objectContaining({
      code: 'ERR_OCI_CONFIG_INVALID',
      path: '/linux/sysctl/net.core.somaxconn',
    })
    expect(() => steps({ sysctl })).toThrow(refused)
    const joined = { sysctl, namespaces: namespaces(['network', '/proc/1/ns/net']) }
    expect(steps(joined)).toHaveLength(1)
    expect(() => steps(joined, { namespaceIds: { '/proc/1/ns/net': 'net:[2]' } })).toThrow(refused)
    expect(() => steps({ sysctl: { 'kernel/panic': '1' } })).toThrow(
      expect.objectContaining({ path: '/linux/sysctl/kernel~1panic' }),
    )
    expect(() =>
      steps({ namespaces: namespaces('network'), sysctl: { 'net/../kernel/panic': '1' } }),
    ).toThrow()
  })
})

describe('the state', () => {
  const container = { id: 'demo', bundle: '/b"x', config: { annotations: { 'a.b': 'c' } } }

  test('is that of runtime.md', () => {
    expect(containerState(container, 'running', 7)).toEqual({
      ociVersion: '1.3.0',
      id: 'demo',
      status: 'running',
      pid: 7,
      bundle: '/b"x',
      annotations: { 'a.b': 'c' },
    })
    expect(containerState({ ...container, config: {} }, 'stopped', 0)).not.toHaveProperty('annotations')
  })

  test('can be cut in two around the pid', () => {
    for (const config of [container.config, {}]) {
      const [head, tail] = stateAroundPid({ ...container, config }, 'creating')
      const text = `${new TextDecoder().decode(head)}42${new TextDecoder().decode(tail)}`
      expect(JSON.parse(text)).toEqual(containerState({ ...container, config }, 'creating', 42))
      expect(text).not.toContain('\n')
    }
  })
})
