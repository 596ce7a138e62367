import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { cli, place } from './place.ts'
import { ociTs } from './program.ts'

/** A NOTIFY_SOCKET of a service manager, and what was sent to it so far. */
function manager(dir: string) {
  const place = openSync(dir, 'r')
  const socket = native().bindDatagram(place, 'manager')
  closeSync(place)
  const messages: string[] = []
  const take = () => {
    for (let one = native().recv(socket); one !== null; one = native().recv(socket)) {
      messages.push(Buffer.from(one.data).toString('utf8').trim())
      // Closing the barrier's pipe is the answer.
      for (const fd of one.fds) native().close(fd)
    }
    return messages
  }
  const poll = native().poll(socket, 1, take)
  const close = () => {
    poll.close()
    native().close(socket)
  }
  return { path: join(dir, 'manager'), messages, close }
}

// It is for the test to speak for the service.
const SERVICE = ['sleep', '1000']

test('a container without NOTIFY_SOCKET has none; with it, start waits for READY', async () => {
  const at = await place(['sh', '-c', 'echo $NOTIFY_SOCKET; ls /run/notify'])
  expect(await cli(at, ['run', 'without'])).toMatchObject({ stdout: '\n' })
  const systemd = manager(at.dir)
  const env = { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: systemd.path }
  expect(await cli(at, ['run', 'with'], '', { env })).toMatchObject({
    code: 0,
    stdout: '/run/notify/notify.sock\nnotify.sock\n',
  })
  expect(systemd.messages).toEqual([])
  systemd.close()
})

test('start passes READY on, names the new main process, and waits until the manager knows', async () => {
  const at = await place(SERVICE)
  const systemd = manager(at.dir)
  const world = { env: { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: systemd.path } }
  expect(await cli(at, ['create', 'service'], '', world)).toMatchObject({ code: 0, stderr: '' })
  let started = false
  const start = cli(at, ['start', 'service'], '', world).finally(() => {
    started = true
  })
  const { pid } = JSON.parse((await cli(at, ['state', 'service'])).stdout)
  const socket = join(at.root, 'service/notify/notify.sock')
  let service = -1
  await expect
    .poll(() => {
      service = native().connectDatagram(socket)
      return service
    })
    .toBeGreaterThan(0)
  native().send(service, Buffer.from('STATUS=nearly there'), [])
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(started).toBe(false)
  native().send(service, Buffer.from('STATUS=there\nREADY=1\n'), [])
  native().close(service)
  expect(await start).toMatchObject({ code: 0, stderr: '' })
  expect(systemd.messages).toEqual(['READY=1', `MAINPID=${pid}`, 'BARRIER=1'])
  systemd.close()
  await cli(at, ['delete', '-f', 'service'])
})

test('sockets are passed on if they are for us: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES', async () => {
  const at = await place(['sh', '-c', 'echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; cat <&3; cat <&4'])
  const fds = [0, 1].map(() => openSync('/etc/hostname', 'r'))
  const world = {
    env: { LISTEN_FDS: '1', LISTEN_PID: '4711', LISTEN_FDNAMES: 'web' },
    passedFd: (number: number) => fds[number - 3],
  }
  const hostname = readFileSync('/etc/hostname', 'utf8')
  expect(await cli(at, ['run', '--preserve-fds', '1', 'x'], '', { ...world, pid: 4711 })).toMatchObject({
    code: 0,
    stdout: `1 1 web\n${hostname}${hostname}`,
  })
  for (const fd of fds) closeSync(fd)
  expect((await cli(at, ['run', 'y'], '', { ...world, pid: 4712 })).stdout).toBe('\n')
})

test('--preserve-fds takes only what our caller has passed', async () => {
  const at = await place(['sh', '-c', 'cat <&3'])
  const run = async (count: string, extra: number[]) =>
    (
      await ociTs(['--root', at.root, 'run', '--preserve-fds', count, `p${count}`], {
        cwd: at.dir,
        stdio: ['ignore', 'pipe', 'pipe', ...extra],
      })
    ).ended
  const fd = openSync('/etc/hostname', 'r')
  expect(await run('1', [fd])).toMatchObject({ code: 0, stdout: readFileSync('/etc/hostname', 'utf8') })
  closeSync(fd)
  // Node's own are there, but nobody gave us these.
  expect(await run('2', [])).toMatchObject({ code: 1, stderr: expect.stringContaining('fd 3') })
})

test('a pidfd is sent to who asked for it', async () => {
  const at = await place(['sleep', '1000'])
  const received: string[] = []
  const server = createServer((socket) => socket.on('data', (data) => received.push(String(data))))
  await new Promise<void>((resolve) => server.listen(join(at.dir, 's'), resolve))
  expect(await cli(at, ['run', '-d', '--pidfd-socket', 's', 'x'])).toMatchObject({ code: 0, stderr: '' })
  expect(await cli(at, ['exec', '--pidfd-socket', 's', 'x', 'sleep', '0.2'])).toMatchObject({ code: 0 })
  await expect.poll(() => received).toEqual(['standard', 'setns'])
  const absent = ['exec', '--pidfd-socket', 'absent', 'x', 'sleep', '0.2']
  expect(await cli(at, absent)).toMatchObject({ code: 255, stderr: expect.stringContaining('absent') })
  await cli(at, ['delete', '-f', 'x'])
  await new Promise((resolve) => server.close(resolve))
})

test('run passes signals on, SIGUSR1 and SIGABRT too', async () => {
  const traps = ['USR1', 'USR2', 'HUP', 'INT', 'ABRT'].map((name) => `trap 'echo ${name}' ${name}`).join(';')
  const at = await place(['sh', '-c', `${traps}; trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done`])
  const run = await ociTs(['--root', at.root, 'run', 'x'], { cwd: at.dir })
  let seen = await run.shows(/up\n/)
  for (const name of ['USR1', 'USR2', 'HUP', 'INT', 'ABRT'] as const) {
    run.kill(`SIG${name}`)
    seen = await run.shows(new RegExp(`^${name}\n$`), seen)
  }
  run.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 9 })
})

test('run adopts and reaps what a container without a pid namespace leaves behind, unless --no-subreaper', async () => {
  // The middle process ends at once, so that the sleep is an orphan; then it ends itself.
  const script = 'sh -c "sleep 1 & echo \\$!" ; sleep 30'
  const at = await place(['sh', '-c', script], (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'pid')
  })
  const parentOf = (pid: number) => {
    try {
      return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    } catch {
      return null
    }
  }
  for (const flags of [[], ['--no-subreaper']]) {
    const run = await ociTs(['--root', at.root, 'run', ...flags, 'x'], { cwd: at.dir })
    await run.shows(/\d+\n/)
    const orphan = Number(run.stdout)
    await expect.poll(() => parentOf(orphan)).toBe(flags.length === 0 ? run.pid : 1)
    await expect.poll(() => parentOf(orphan), { timeout: 4000 }).toBe(null)
    run.kill('SIGKILL')
    // Its streams are the container's too.
    await cli(at, ['delete', '-f', 'x'])
    await run.ended
  }
})

test('ps: options as ps has them, its errors, and no other processes than the container’s', async () => {
  const at = await place(['sleep', '1000'])
  expect(await cli(at, ['run', '-d', 'x'])).toMatchObject({ code: 0 })
  const { pid } = JSON.parse((await cli(at, ['state', 'x'])).stdout)
  const lines = async (...args: string[]) => (await cli(at, ['ps', 'x', ...args])).stdout.trim().split('\n')
  expect(await lines()).toEqual([expect.stringContaining('PID'), expect.stringMatching(/sleep 1000$/)])
  expect(await lines('-o', 'pid,comm')).toEqual([
    expect.stringMatching(/^ *PID COMMAND/),
    expect.stringMatching(new RegExp(`^ *${pid} sleep`)),
  ])
  expect(await cli(at, ['ps', 'x', '-o', 'args'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("couldn't find PID field in ps output"),
  })
  expect(await cli(at, ['ps', 'x', '--bogus'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('exit status 1: error: unknown gnu long option'),
  })
  await cli(at, ['delete', '-f', 'x'])
})
