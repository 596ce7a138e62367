import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Bundle, Container } from 'oci-ts'
import { describe, expect, test } from 'vitest'
import { tempDir } from '../../harness/temp.ts'
import {
  bundleOf,
  cgroupsOf,
  createShell,
  failure,
  freshId,
  isAlive,
  runShell,
  shellConfig,
} from './support.ts'

describe('the life of a container', () => {
  test('goes from created over running to stopped, and then it is gone', async () => {
    const container = await createShell('read line; exit 7', { stdio: ['pipe', 'ignore', 'ignore'] })
    const { id, pid } = container
    expect((await container.state()).status).toBe('created')
    expect(isAlive(pid)).toBe(true)
    expect(cgroupsOf(id).length).toBeGreaterThan(0)
    await container.start()
    expect(await container.state()).toMatchObject({ status: 'running', pid, id, ociVersion: '1.3.0' })
    container.stdin!.end('go\n')
    expect(await container.wait()).toEqual({ exitCode: 7, signal: null })
    expect(await container.state()).toMatchObject({ status: 'stopped', pid: 0 })
    await container.delete()
    expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
    expect(cgroupsOf(id)).toEqual([])
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    await failure(container.state(), 'ERR_OCI_NOT_FOUND')
  })

  test('a signal that ends it is named', async () => {
    await using container = await createShell(['sleep', '100'])
    await container.start()
    await container.kill('SIGKILL')
    expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
  })

  test.each(['SIGUSR1', 'usr1', '10', 10])('kill takes a signal as %s', async (signal) => {
    await using container = await createShell('trap "exit 3" USR1; echo ready; while :; do sleep 0.01; done')
    const ready = new Promise((resolve) => container.stdout!.once('data', resolve))
    await container.start()
    await ready
    await container.kill(signal)
    expect(await container.wait()).toEqual({ exitCode: 3, signal: null })
  })

  test('wait may come before the start and after the end, and often', async () => {
    await using container = await createShell('exit 5')
    const early = [container.wait(), container.wait()]
    await container.start()
    expect(await Promise.all([...early, container.wait()])).toEqual(
      Array(3).fill({ exitCode: 5, signal: null }),
    )
    expect(await container.wait()).toEqual({ exitCode: 5, signal: null })
  })

  test('a created container can be deleted', async () => {
    const container = await createShell('true')
    await container.delete()
    expect(existsSync(`/proc/${container.pid}`)).toBe(false)
    await container.delete()
  })

  test('a config without a process can be created, and started with one', async () => {
    const config = shellConfig('true', (config) => {
      delete config.process
    })
    await using container = await Container.create(freshId(), {
      bundle: await bundleOf(config),
      stdio: 'ignore',
    })
    await failure(container.start(), 'ERR_OCI_STATE')
    await container.start({ process: { args: ['sh', '-c', 'exit 9'], cwd: '/', env: ['PATH=/bin'] } })
    expect(await container.wait()).toEqual({ exitCode: 9, signal: null })
  })

  test('start takes another process in place of the config’s', async () => {
    await using container = await createShell('echo wrong')
    await container.start({
      process: {
        args: ['sh', '-c', 'echo $WHO; pwd; id -u'],
        cwd: '/tmp',
        env: ['PATH=/bin:/usr/bin', 'WHO=me'],
        user: { uid: 1000, gid: 1000 },
      },
    })
    let text = ''
    for await (const chunk of container.stdout!) text += chunk
    expect(text).toBe('me\n/tmp\n1000\n')
  })

  test('a missing program that start brings is an error of start, and stops the container', async () => {
    await using container = await createShell('true')
    const error = await failure(
      container.start({ process: { args: ['/nowhere'], cwd: '/' } }),
      'ERR_OCI_PROGRAM_NOT_FOUND',
    )
    expect(error.path).toBe('/process/args/0')
    expect((await container.state()).status).toBe('stopped')
  })
})

describe('errors', () => {
  test('a missing program is an error of create, and leaves nothing', async () => {
    const id = freshId()
    const bundle = await bundleOf(shellConfig(['no-such-program']))
    const error = await failure(Container.create(id, { bundle }), 'ERR_OCI_PROGRAM_NOT_FOUND')
    expect(error).toMatchObject({
      step: 'findProgram',
      path: '/process/args/0',
      errnoName: 'ENOENT',
      containerId: id,
    })
    expect(error.message).toContain('executable file not found in $PATH')
    expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
    expect(cgroupsOf(id)).toEqual([])
  })

  test('a program that can’t be executed', async () => {
    const bundle = await bundleOf(shellConfig(['/etc/passwd']))
    await failure(Container.create(freshId(), { bundle }), 'ERR_OCI_PROGRAM_NOT_EXECUTABLE')
  })

  test('a failed mount names itself and its place in the config', async () => {
    const config = shellConfig('true', ({ mounts }) => {
      mounts!.push({ destination: '/mnt', type: 'none', source: '/no/such/place', options: ['bind'] })
    })
    const id = freshId()
    const bundle = await bundleOf(config)
    const error = await failure(Container.create(id, { bundle }), 'ERR_OCI_STEP_FAILED')
    expect(error.path).toBe(`/mounts/${config.mounts!.length - 1}`)
    expect(error.message).toContain('/no/such/place')
    expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
    expect(cgroupsOf(id)).toEqual([])
  })

  test('an id is taken once, and the first container is not harmed', async () => {
    await using first = await createShell(['sleep', '100'])
    const bundle = await bundleOf(shellConfig('true'))
    await failure(Container.create(first.id, { bundle }), 'ERR_OCI_ID_IN_USE')
    await first.start()
    expect((await first.state()).status).toBe('running')
  })

  test.each(['', '.', '..', 'a/b', '../x', 'a\0b', 'ü', 'x'.repeat(256)])(
    'no container is named %j',
    async (id) => {
      await failure(Container.create(id, { bundle: '/nowhere' }), 'ERR_OCI_ID_INVALID')
      await failure(Container.load(id), 'ERR_OCI_ID_INVALID')
    },
  )

  test('misspelt options and wrong values are refused', async () => {
    const bundle = await bundleOf(shellConfig('true'))
    const wrong: Record<string, unknown>[] = [
      { bundel: bundle },
      { bundle, stdoi: 'pipe' },
      { bundle, stdio: 'pype' },
      { bundle, stdio: ['pipe'] },
      { bundle, stdio: 987 },
      { bundle, cgroupManager: 'other' },
      { bundle, noPivot: 'yes' },
      { bundle, preserveFds: [987] },
      { bundle, root: '/' },
      { bundle, signal: {} },
      { bundle, consoleSocket: '/nowhere' },
      {},
    ]
    for (const options of wrong) {
      await failure(Container.create(freshId(), options as never), 'ERR_OCI_OPTION_INVALID')
    }
    await using container = await createShell(['sleep', '100'])
    for (const call of [
      () => container.start({ proces: {} } as never),
      () => container.wait({ drainTimeout: 1 } as never),
      () => container.exec({ arg: ['true'] } as never),
      () => container.kill('SIGNOTHING'),
      () => container.delete({ forse: true } as never),
      () => Container.load('x', { rot: '' } as never),
    ]) {
      await failure(call(), 'ERR_OCI_OPTION_INVALID')
    }
  })

  test('calls in the wrong state fail with a code', async () => {
    await using container = await createShell('read x')
    await failure(container.resume(), 'ERR_OCI_STATE')
    await container.start()
    await failure(container.start(), 'ERR_OCI_STATE')
    await failure(container.delete(), 'ERR_OCI_STATE')
    container.stdin!.end()
    await container.wait()
    await failure(container.kill(), 'ERR_OCI_STATE')
    await failure(container.start(), 'ERR_OCI_STATE')
    await failure(container.exec({ args: ['true'] }), 'ERR_OCI_STATE')
    await failure(container.pause(), 'ERR_OCI_STATE')
    await failure(container.update({ pids: { limit: 9 } }), 'ERR_OCI_STATE')
  })

  test('a bundle that is missing, or whose config is wrong', async () => {
    await failure(Container.create(freshId(), { bundle: '/nowhere' }), 'ERR_OCI_BUNDLE_NOT_FOUND')
    const dir = tempDir()
    await failure(Bundle.load(dir), 'ERR_OCI_BUNDLE_NOT_FOUND')
    writeFileSync(join(dir, 'config.json'), '{')
    await failure(Bundle.load(dir), 'ERR_OCI_CONFIG_SYNTAX')
    writeFileSync(join(dir, 'config.json'), '{"ociVersion":"1.0.0"}')
    await failure(Container.create(freshId(), { bundle: dir }), 'ERR_OCI_CONFIG_INVALID')
  })

  test.each(['beside the launch', 'before it'])(
    'text that is no Unicode is refused before anything is touched: a cgroup made %s',
    async (when) => {
      const root = join(tempDir(), 'root')
      const bundle = await bundleOf(
        shellConfig('true', ({ process, linux }) => {
          process!.env!.push('A=\ud800')
          if (when === 'before it') linux!.resources = { ...linux!.resources, pids: { limit: 100 } }
        }),
      )
      await failure(Container.create(freshId(), { bundle, root, stdio: 'ignore' }), 'ERR_OCI_CONFIG_INVALID')
      expect(existsSync(root)).toBe(false)
    },
  )

  test('a config that was changed after it was loaded is checked again', async () => {
    const bundle = await bundleOf(shellConfig('true'))
    bundle.config.process!.args = ['sh', '-c', 'exit 4']
    await using container = await Container.create(freshId(), { bundle, stdio: 'ignore' })
    bundle.config.process!.args = []
    await container.start()
    expect((await container.wait()).exitCode).toBe(4)
    const error = await failure(Container.create(freshId(), { bundle }), 'ERR_OCI_CONFIG_INVALID')
    expect(error.path).toBe('/process/args')
  })

  test('an init that is killed by lack of memory says so', async () => {
    const config = shellConfig('true', ({ linux }) => {
      linux!.resources = { ...linux!.resources, memory: { limit: 4096 * 4 } }
    })
    const error = await Container.create(freshId(), { bundle: await bundleOf(config) }).then(
      (container) => container.delete({ force: true }),
      (reason) => reason,
    )
    // Whether 16 KiB suffice for init depends on the kernel.
    if (error !== undefined && error.code === 'ERR_OCI_INIT_DIED') expect(error.hint).toContain('memory')
  })
})

describe('what is on disk', () => {
  test('another Container object, loaded by id, can do everything', async () => {
    await using container = await createShell(['sleep', '100'], { stdio: 'ignore' })
    const other = await Container.load(container.id)
    expect(other.pid).toBe(container.pid)
    expect(other.config.process!.args).toEqual(['sleep', '100'])
    await other.start()
    expect((await container.state()).status).toBe('running')
    const child = await other.exec({ args: ['true'] })
    expect((await child.wait()).exitCode).toBe(0)
    await other.kill('KILL')
    expect(await other.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
    expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
    await other.delete()
    await failure(Container.load(container.id), 'ERR_OCI_NOT_FOUND')
  })

  test('list shows the containers of a root, and skips what it can’t read', async () => {
    const root = tempDir()
    expect(await Container.list({ root })).toEqual([])
    await using one = await createShell('true', { root })
    await using two = await createShell('true', { root })
    mkdirSync(join(root, 'broken'))
    writeFileSync(join(root, 'broken', 'state.json'), 'nonsense')
    mkdirSync(join(root, 'half'))
    symlinkSync('/etc', join(root, 'link'))
    expect((await Container.list({ root })).map(({ id }) => id)).toEqual([one.id, two.id].sort())
    await failure(Container.load('broken', { root }), 'ERR_OCI_STATE')
    await failure(Container.load('half', { root }), 'ERR_OCI_STATE')
    await Container.remove('broken', { root, force: true })
    await Container.remove('half', { root, force: true })
    await failure(Container.remove('half', { root }), 'ERR_OCI_NOT_FOUND')
    await Container.remove('half', { root, force: true })
  })

  test('a state that others could have written is not believed', async () => {
    const root = tempDir()
    await using container = await createShell('true', { root })
    const { chmodSync } = await import('node:fs')
    chmodSync(join(root, container.id, 'state.json'), 0o666)
    await failure(Container.load(container.id, { root }), 'ERR_OCI_STATE')
    chmodSync(join(root, container.id, 'state.json'), 0o600)
  })

  test('the config is frozen at create, 64-bit integers included', async () => {
    const value = 18446744073709551615n
    const config = shellConfig('true', ({ process: own }) => {
      own!.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 256, hard: 512 }]
    })
    config.annotations = { 'org.example.key': 'value' }
    config.linux!.resources = { ...config.linux!.resources, memory: { limit: -1 } }
    ;(config as unknown as Record<string, unknown>).extension = { big: value }
    await using container = await Container.create(freshId(), { bundle: await bundleOf(config) })
    const text = readFileSync(`/run/oci-ts/${container.id}/state.json`, 'utf8')
    expect(text).toContain('18446744073709551615')
    const other = await Container.load(container.id)
    expect((other.config as unknown as { extension: { big: bigint } }).extension.big).toBe(value)
    expect((await other.state()).annotations).toEqual({ 'org.example.key': 'value' })
  })

  test('a pid file is written before create returns', async () => {
    const pidFile = join(tempDir(), 'pid')
    await using container = await createShell('true', { pidFile })
    expect(readFileSync(pidFile, 'utf8')).toBe(String(container.pid))
  })

  test('the state directory holds what is in force, and nothing else', async () => {
    const dir = tempDir()
    for (const options of [{}, { pidFile: join(dir, 'pid') }]) {
      await using container = await createShell('true', options)
      const names = readdirSync(join('/run/oci-ts', container.id)).sort()
      expect(names).toEqual(['lock', 'owned', 'start.sock', 'state.json'])
      expect(readFileSync(join('/run/oci-ts', container.id, 'state.json'), 'utf8')).toContain(
        `"pid":${container.pid},`,
      )
    }
  })

  test('a pid file that can’t be written undoes the create', async () => {
    const id = freshId()
    const bundle = await bundleOf(shellConfig('true'))
    await expect(Container.create(id, { bundle, pidFile: '/no/such/dir/pid' })).rejects.toThrow(
      '/no/such/dir/pid',
    )
    expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
    expect(cgroupsOf(id)).toEqual([])
  })
})

describe('cgroup managers', () => {
  test('disabled: the container stays where its creator is', async () => {
    await using container = await createShell('cat /proc/self/cgroup', { cgroupManager: 'disabled' })
    expect(cgroupsOf(container.id)).toEqual([])
    await failure(container.pause(), 'ERR_OCI_UNSUPPORTED')
    await container.start()
    let text = ''
    for await (const chunk of container.stdout!) text += chunk
    expect(text.trim()).toBe(readFileSync('/proc/self/cgroup', 'utf8').trim())
  })

  test('systemd is said to be missing', async () => {
    const bundle = await bundleOf(shellConfig('true'))
    await failure(Container.create(freshId(), { bundle, cgroupManager: 'systemd' }), 'ERR_OCI_UNSUPPORTED')
  })
})

describe('pause, update, stats, processes', () => {
  test('a paused container does nothing until it is resumed', async () => {
    await using container = await createShell('while :; do echo x; sleep 0.01; done')
    container.stdout!.resume()
    await container.start()
    await container.pause()
    expect((await container.state()).status).toBe('paused')
    await failure(container.exec({ args: ['true'] }), 'ERR_OCI_STATE')
    await failure(container.pause(), 'ERR_OCI_STATE')
    await container.resume()
    expect((await container.state()).status).toBe('running')
    await container.pause()
    await container.kill('SIGKILL')
    expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
  })

  test('limits change, and are kept', async () => {
    await using container = await createShell(['sleep', '100'])
    await container.start()
    await container.update({ pids: { limit: 77 } })
    expect(container.config.linux!.resources!.pids).toEqual({ limit: 77 })
    expect((await Container.load(container.id)).config.linux!.resources!.pids).toEqual({ limit: 77 })
    expect((await container.stats()).pids).toMatchObject({ limit: 77 })
    const error = await failure(container.update({ pids: { limit: 'x' } } as never), 'ERR_OCI_CONFIG_INVALID')
    expect(error.path).toBe('/linux/resources/pids/limit')
  })

  test('all processes are listed', async () => {
    await using container = await createShell('sleep 100 & sleep 100 & echo ready; wait')
    const ready = new Promise((resolve) => container.stdout!.once('data', resolve))
    await container.start()
    await ready
    const pids = await container.processes()
    expect(pids).toHaveLength(3)
    expect(pids).toContain(container.pid)
  })

  test('kill with all reaches every process, without a pid namespace too', async () => {
    await using container = await createShell('sleep 100 & sleep 100 & echo ready; wait', {}, ({ linux }) => {
      linux!.namespaces = linux!.namespaces!.filter(({ type }) => type !== 'pid')
    })
    const ready = new Promise((resolve) => container.stdout!.once('data', resolve))
    await container.start()
    await ready
    const pids = await container.processes()
    expect(pids).toHaveLength(3)
    await container.kill('SIGKILL')
    await container.wait()
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
  })
})

test('the time of every step is there where it is asked for', async () => {
  await using container = await createShell('true', { trace: true })
  await container.start()
  await container.wait()
  const steps = container.trace.map(({ part, step }) => `${part} ${step}`)
  expect(steps).toContain('host spawn')
  expect(steps).toContain('init pivotRoot')
  expect(steps).toContain('exec caps')
  for (const { begin, duration } of container.trace) {
    expect(begin).toBeGreaterThan(0)
    expect(duration).toBeGreaterThanOrEqual(0)
  }
})

test('HOME, PATH and what else the process sees', async () => {
  const { stdout } = await runShell('echo $HOME; echo $PATH; id -u; hostname; ls -l /proc/self/fd | wc -l')
  expect(stdout.split('\n').slice(0, 4)).toEqual([
    '/root',
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    '0',
    'oci-ts',
  ])
})
