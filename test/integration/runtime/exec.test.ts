import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Container, ExecOptions } from 'oci-ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tempDir } from '../../harness/temp.ts'
import { createShell, failure, textOf, until } from './support.ts'

let container: Container

beforeAll(async () => {
  container = await createShell(['sleep', '1000'], { stdio: 'ignore' }, ({ process: own }) => {
    own!.env = [...own!.env!, 'FROM=container']
    own!.cwd = '/etc'
  })
  await container.start()
})
afterAll(() => container.delete({ force: true }))

async function exec(options: ExecOptions) {
  const child = await container.exec(options)
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  return { ...(await child.wait()), stdout, stderr }
}

const sh = (script: string, options: ExecOptions = {}) => exec({ args: ['sh', '-c', script], ...options })

describe('exec', () => {
  test('shares the container’s namespaces and cgroup', async () => {
    const inside = await sh(
      'for n in pid mnt net ipc uts; do readlink /proc/self/ns/$n; done; cat /proc/1/comm; hostname',
    )
    const namespaces = ['pid', 'mnt', 'net', 'ipc', 'uts'].map((name) =>
      readlinkSync(`/proc/${container.pid}/ns/${name}`),
    )
    expect(inside.stdout.trim().split('\n')).toEqual([...namespaces, 'sleep', 'oci-ts'])
    const child = await container.exec({ args: ['sleep', '100'], stdio: 'ignore' })
    expect(readFileSync(`/proc/${child.pid}/cgroup`, 'utf8')).toBe(
      readFileSync(`/proc/${container.pid}/cgroup`, 'utf8'),
    )
    expect(await container.processes()).toEqual([container.pid, child.pid].sort((a, b) => a - b))
    await child.kill('KILL')
    expect(await child.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
    await failure(child.kill(), 'ERR_OCI_STATE')
  })

  test('takes the container’s process as it is, but for what is given', async () => {
    const { stdout } = await sh(
      'pwd; echo $FROM $MORE; grep -E "CapEff|CapInh|NoNewPrivs" /proc/self/status',
      {
        env: ['MORE=more'],
      },
    )
    expect(stdout).toBe(
      '/etc\ncontainer more\nCapInh:\t0000000000000000\nCapEff:\t0000000020000420\nNoNewPrivs:\t1\n',
    )
    const own = await sh('pwd; id -u; id -g; id -G; umask; ulimit -n; echo $FROM', {
      cwd: '/tmp',
      user: { uid: 1000, gid: 1001, additionalGids: [5], umask: 0o77 },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 99, hard: 100 }],
      env: ['FROM=exec'],
    })
    expect(own.stdout).toBe('/tmp\n1000\n1001\n1001 5\n0077\n99\nexec\n')
  })

  test('takes a whole process', async () => {
    const { stdout } = await exec({ process: { args: ['/bin/sh', '-c', 'echo $FROM; pwd'], cwd: '/' } })
    expect(stdout).toBe('\n/\n')
    await failure(exec({ process: { args: ['true'], cwd: '/' }, cwd: '/tmp' }), 'ERR_OCI_OPTION_INVALID')
  })

  test('input, output, exit code', async () => {
    const child = await container.exec({ args: ['sh', '-c', 'tr a-z A-Z; exit 6'] })
    child.stdin!.end('shout')
    expect(await textOf(child.stdout)).toBe('SHOUT')
    expect(await child.wait()).toEqual({ exitCode: 6, signal: null })
  })

  test('a terminal', async () => {
    const child = await container.exec({
      args: ['sh', '-c', 'tty; stty size; read x; echo "got $x"'],
      terminal: true,
      consoleSize: { height: 20, width: 60 },
    })
    let text = ''
    child.pty!.on('data', (data) => {
      text += data
    })
    await until(() => text.includes('20 60'), 'the size')
    child.pty!.write('it\r')
    await child.wait()
    expect(text).toMatch(/^\/dev\/pts\/\d+\r\n20 60\r\nit\r\ngot it\r\n$/)
  })

  test('a program that is missing, or a config that is wrong', async () => {
    const error = await failure(exec({ args: ['nowhere'] }), 'ERR_OCI_PROGRAM_NOT_FOUND')
    expect(error.path).toBe('/process/args/0')
    expect((await failure(exec({ args: [] }), 'ERR_OCI_CONFIG_INVALID')).path).toBe('/process/args')
    expect((await failure(exec({ args: ['true'], cwd: 'x' }), 'ERR_OCI_CONFIG_INVALID')).path).toBe(
      '/process/cwd',
    )
    expect((await container.processes()).length).toBe(1)
  })

  test('a pid file', async () => {
    const pidFile = join(tempDir(), 'pid')
    const child = await container.exec({ args: ['true'], pidFile, stdio: 'ignore' })
    expect(readFileSync(pidFile, 'utf8')).toBe(String(child.pid))
    await child.wait()
  })

  test('a cgroup below the container’s that does not exist, and one that leads out', async () => {
    await failure(exec({ args: ['true'], cgroup: '../x' }), 'ERR_OCI_OPTION_INVALID')
    await expect(exec({ args: ['true'], cgroup: 'nowhere' })).rejects.toThrow()
  })

  test('many at once', async () => {
    const results = await Promise.all(Array.from({ length: 30 }, (_, index) => sh(`echo ${index}`)))
    expect(results.map(({ stdout }) => Number(stdout))).toEqual(
      Array.from({ length: 30 }, (_, index) => index),
    )
    expect((await container.processes()).length).toBe(1)
  })

  test('await using ends it', async () => {
    {
      await using child = await container.exec({ args: ['sleep', '1000'] })
      expect(child.pid).toBeGreaterThan(0)
    }
    expect((await container.processes()).length).toBe(1)
  })

  test('an aborted exec leaves no process', async () => {
    const controller = new AbortController()
    controller.abort()
    await failure(container.exec({ args: ['true'], signal: controller.signal }), 'ERR_OCI_ABORTED')
    const later = new AbortController()
    const promise = container.exec({ args: ['sleep', '1000'], signal: later.signal, stdio: 'ignore' })
    later.abort()
    await failure(promise, 'ERR_OCI_ABORTED')
    await until(async () => (await container.processes()).length === 1, 'the process to go')
  })

  test('wait can be given up', async () => {
    await failure(container.wait({ signal: AbortSignal.timeout(50) }), 'ERR_OCI_ABORTED')
  })
})

test('exec into a container that shares all namespaces but the mount one', async () => {
  await using other = await createShell(['sleep', '1000'], { stdio: 'ignore' }, (config) => {
    config.linux!.namespaces = [{ type: 'mount' }]
    delete config.hostname
    // A new sysfs takes a network namespace of the container's own; and /proc/sys is the host's.
    config.mounts = config.mounts!.filter(({ type }) => type === 'tmpfs' || type === 'proc')
  })
  await other.start()
  const child = await other.exec({ args: ['cat', '/etc/hosts'] })
  expect(await textOf(child.stdout)).toContain('localhost')
})
