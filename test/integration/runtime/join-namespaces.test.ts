import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Config, NamespaceType } from 'oci-ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tempDir } from '../../harness/temp.ts'
import { failure, runShell } from './support.ts'

/** Names in /proc/PID/ns. */
const LINK: Readonly<Record<NamespaceType, string>> = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid_for_children',
  time: 'time_for_children',
  user: 'user',
  uts: 'uts',
}

let outsider: ChildProcess
let dir: string

beforeAll(async () => {
  dir = tempDir('oci-ts-join-')
  outsider = spawn('unshare', ['-mnipuUCT', '-r', 'sh', '-c', 'echo ready; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(outsider.stdout!, 'data')
})

afterAll(async () => {
  outsider.kill('SIGKILL')
  await once(outsider, 'close')
})

const outside = (type: NamespaceType) => `/proc/${outsider.pid}/ns/${LINK[type]}`

/** Takes a namespace by its path in place of a new one; returns its pointer. */
function takes(config: Config, type: NamespaceType, path: string): string {
  const namespaces = config.linux!.namespaces!
  const at = namespaces.findIndex((namespace) => namespace.type === type)
  if (at >= 0) namespaces[at] = { type, path }
  else namespaces.push({ type, path })
  if (type === 'uts') delete config.hostname
  return `/linux/namespaces/${at >= 0 ? at : namespaces.length - 1}/path`
}

describe('a path that is not such a namespace', () => {
  const server = createServer()

  afterAll(() => void server.close())

  const bad: [name: string, path: () => string, expected: object][] = [
    ['of another kind', () => outside('uts'), { errno: 22, syscall: 'setns' }],
    ['of a regular file', () => join(dir, 'file'), { errno: 22, syscall: 'setns' }],
    ['of a directory', () => dir, { errno: 22, syscall: 'setns' }],
    ['of a device', () => '/dev/null', { errno: 22, syscall: 'setns' }],
    ['of a FIFO that nobody writes to', () => join(dir, 'fifo'), { errno: 22, syscall: 'setns' }],
    ['of a socket', () => join(dir, 'socket'), { errno: 6 }],
    ['of nothing', () => join(dir, 'none'), { errno: 2 }],
    ['below a file', () => join(dir, 'file/x'), { errno: 20 }],
    ['of a symlink to itself', () => join(dir, 'loop'), { errno: 40 }],
    ['of a process that is gone', () => '/proc/4194303/ns/net', { errno: 2 }],
  ]

  beforeAll(async () => {
    writeFileSync(join(dir, 'file'), '')
    execFileSync('mkfifo', [join(dir, 'fifo')])
    server.listen(join(dir, 'socket'))
    await once(server, 'listening')
    symlinkSync('loop', join(dir, 'loop'))
  })

  test.each(bad)('%s', async (_, path, expected) => {
    for (const type of ['network', 'ipc', 'pid', 'mount'] as const) {
      let pointer = ''
      const error = await failure(
        runShell('true', (config) => {
          pointer = takes(config, type, path())
        }),
        'ERR_OCI_STEP_FAILED',
      )
      expect(error).toMatchObject({ path: pointer, ...expected })
    }
  })
})

describe('a namespace that is there', () => {
  const script = 'for n in ipc net uts; do readlink /proc/self/ns/$n; done'

  test.each(['ipc', 'network', 'uts'] as const)(
    '%s: by a link in /proc, a symlink to that, or a bind mount',
    async (type) => {
      const expected = readlinkSync(outside(type))
      const link = join(dir, `link-${type}`)
      symlinkSync(outside(type), link)
      const bound = join(dir, `bound-${type}`)
      writeFileSync(bound, '')
      execFileSync('mount', ['--bind', outside(type), bound])
      try {
        for (const path of [outside(type), link, bound]) {
          const { stdout } = await runShell(script, (config) => void takes(config, type, path))
          expect(stdout.split('\n'), path).toContain(expected)
        }
      } finally {
        execFileSync('umount', [bound])
      }
    },
  )

  test('the caller’s own counts as inherited, by whichever path', async () => {
    const link = join(dir, 'own')
    symlinkSync('/proc/self/ns/net', link)
    for (const path of ['/proc/self/ns/net', `/proc/${process.pid}/ns/net`, link]) {
      const { stdout } = await runShell(script, (config) => void takes(config, 'network', path))
      expect(stdout).toContain(readlinkSync('/proc/self/ns/net'))
      // What would change the host is not allowed with it.
      let pointer = ''
      const error = await failure(
        runShell('true', (config) => {
          takes(config, 'network', path)
          config.linux!.sysctl = { 'net.ipv4.ip_forward': '1' }
          pointer = '/linux/sysctl/net.ipv4.ip_forward'
        }),
        'ERR_OCI_CONFIG_INVALID',
      )
      expect(error.path).toBe(pointer)
    }
  })

  test('all of a process outside at once', async () => {
    const { stdout } = await runShell(
      'id -u; for n in ipc net user uts cgroup; do readlink /proc/self/ns/$n; done',
      (config) => {
        // It maps one id only.
        for (const mount of config.mounts!)
          mount.options = (mount.options ?? []).filter((option) => option !== 'gid=5')
        for (const type of ['ipc', 'network', 'user', 'uts', 'cgroup'] as const)
          takes(config, type, outside(type))
      },
    )
    expect(stdout.trim().split('\n')).toEqual([
      '0',
      ...(['ipc', 'network', 'user', 'uts', 'cgroup'] as const).map((type) => readlinkSync(outside(type))),
    ])
  })
})
