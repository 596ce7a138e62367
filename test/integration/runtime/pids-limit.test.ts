import type { Config } from 'oci-ts'
import { describe, expect, test } from 'vitest'
import { failure, runShell } from './support.ts'

// Init itself counts: what it needs besides the container's process must not be denied by the container's limit.

const ways: [name: string, change: (config: Config) => void][] = [
  ['in one stage', () => {}],
  [
    'with a user namespace',
    ({ linux }) => {
      linux!.namespaces!.push({ type: 'user' })
      linux!.uidMappings = linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
    },
  ],
  ['with a time namespace', ({ linux }) => linux!.namespaces!.push({ type: 'time' })],
  [
    'with hooks of the host',
    (config) => {
      const hooks = [{ path: '/bin/sh', args: ['sh', '-c', '/bin/true; /bin/true'] }]
      config.hooks = { prestart: hooks, createRuntime: hooks, poststart: hooks, poststop: hooks }
    },
  ],
]

describe.each(ways)('%s', (_, change) => {
  test.each([1, 2, 3])('a limit of %d tasks leaves room to be made, and holds', async (limit) => {
    const script = 'echo on; /bin/true & /bin/true & /bin/true & wait; echo off'
    const { stdout, stderr, exitCode } = await runShell(script, (config) => {
      config.linux!.resources = { ...config.linux!.resources, pids: { limit } }
      change(config)
    })
    expect(stdout).toMatch(/^on\n/)
    expect(stderr).toMatch(/fork/)
    expect(exitCode).not.toBe(0)
  })
})

describe('hooks in the container count as its processes, as under runc and crun', () => {
  const hook = { path: '/bin/true' }
  test.each(['createContainer', 'startContainer'] as const)('%s', async (kind) => {
    const run = (limit: number) =>
      runShell('exit 7', (config) => {
        config.linux!.resources = { ...config.linux!.resources, pids: { limit } }
        config.hooks = { [kind]: [hook] }
      })
    const error = await failure(run(1), 'ERR_OCI_HOOK_FAILED')
    expect(error).toMatchObject({ errno: 11, path: `/hooks/${kind}/0` })
    expect((await run(2)).exitCode).toBe(7)
  })
})
