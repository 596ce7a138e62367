import { AsyncLocalStorage } from 'node:async_hooks'
import {
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  watch,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'

const { EAGAIN, EBADF, ECONNREFUSED, EINVAL, ENOENT, EPERM } = constants.errno

/** A listening SOCK_SEQPACKET socket in a directory, and the directory's fd. */
async function listener(name: string) {
  const path = mkdtempSync(join(tmpdir(), 'addon-'))
  const dir = openSync(path, 'r')
  const plan = encodePlan([{ op: 'listen', to: 9, dir: 8, path: name }])
  const { failure, fds } = await native().run(plan, [8, dir], [9])
  expect(failure).toBeNull()
  return { path, dir, socket: fds[0] ?? -1 }
}

test('a poll calls back when there is something, and not after close', async () => {
  const [read, write] = native().pipe()
  let calls = 0
  const storage = new AsyncLocalStorage<string>()
  const seen = await new Promise((resolve) => {
    storage.run('here', () => {
      const watch = native().poll(read, 1, (events) => {
        calls++
        watch.close()
        watch.close()
        resolve([events, storage.getStore()])
      })
    })
    writeSync(write, 'x')
  })
  expect(seen).toEqual([1, 'here'])
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(calls).toBe(1)
  native().close(read)
  native().close(write)
})

test('two polls of one fd, and closing the fd first, are no trouble', async () => {
  const [read, write] = native().pipe()
  const both = [0, 1].map(
    () =>
      new Promise<number>((resolve) => {
        const watch = native().poll(read, 1 | 4, (events) => {
          watch.close()
          resolve(events)
        })
      }),
  )
  native().close(read)
  native().close(write)
  for (const events of await Promise.all(both)) expect(events & 4).toBe(4)
})

test('poll refuses what can’t be polled', () => {
  const file = openSync('/etc/hostname', 'r')
  expect(() => native().poll(file, 1, () => {})).toThrow(expect.objectContaining({ errno: EPERM }))
  native().close(file)
  expect(() => native().poll(9999, 1, () => {})).toThrow(
    expect.objectContaining({ errno: EBADF, code: 'EBADF' }),
  )
})

test('an exception of a poll’s callback is an uncaught one', async () => {
  const [read, write] = native().pipe()
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const caught = new Promise((resolve) => process.once('uncaughtException', resolve))
  const watch = native().poll(read, 1, () => {
    watch.close()
    throw new Error('from the callback')
  })
  native().close(write)
  expect(await caught).toMatchObject({ message: 'from the callback' })
  for (const listener of others) process.on('uncaughtException', listener)
  native().close(read)
})

test('datagrams carry fds; nothing there is null; the end is empty', async () => {
  const { path, dir, socket } = await listener('s')
  const client = native().connect(dir, 's')
  expect(client).toBeGreaterThan(0)
  expect(native().connect(dir, 'absent')).toBe(-ENOENT)
  expect(native().connect(dir, '../s')).toBe(-EINVAL)
  expect(native().connectStream(join(path, 's'))).toBeLessThan(0)
  const init = [{ op: 'nop' }] as const
  // The plain socketpair of a launch is the nearest pair of connected ends.
  const launched = await native().run(
    encodePlan([{ op: 'spawn', plan: encodePlan(init), flags: 0, pidfd: 5, socket: 6, report: 7 }]),
    [],
    [5, 6, 7],
  )
  for (const fd of launched.fds) native().close(fd)
  expect(native().recv(client)).toBeNull()
  const file = openSync('/etc/hostname', 'r')
  expect(native().send(client, Buffer.from('hello'), [file, file])).toBe(0)
  native().close(file)
  native().close(socket)
  // The listener is gone, and with it the queued connection.
  expect(native().recv(client)).toEqual({ data: new Uint8Array(0), fds: [] })
  expect(native().send(client, Buffer.from('x'), [])).toBe(constants.errno.EPIPE)
  expect(native().connect(dir, 's')).toBe(-ECONNREFUSED)
  for (const fd of [client, dir]) native().close(fd)
  rmSync(path, { recursive: true })
})

test('a stream socket is reached by a path of any length', async () => {
  const root = mkdtempSync(join(tmpdir(), 'addon-'))
  const server = createServer()
  const short = join(root, 's')
  await new Promise<void>((resolve) => server.listen(short, resolve))
  const long = `${root}/${'./'.repeat(200)}s`
  const received = new Promise<string>((resolve) => {
    server.on('connection', (socket) => socket.on('data', (data) => resolve(String(data))))
  })
  const fd = native().connectStream(long)
  expect(fd).toBeGreaterThan(0)
  expect(native().send(fd, Buffer.from('a state'), [])).toBe(0)
  expect(await received).toBe('a state')
  native().close(fd)
  server.close()
  rmSync(root, { recursive: true })
})

test('a memfd is filled and sealed', () => {
  const fd = native().memfd('name', Buffer.from('content'))
  expect(readFileSync(`/proc/self/fd/${fd}`, 'utf8')).toBe('content')
  expect(() => writeSync(fd, 'x', 0)).toThrow(/EPERM/)
  expect(() => openSync(`/proc/self/fd/${fd}`, 'w')).toThrow(/EPERM/)
  native().close(fd)
})

test('setNonblock makes an empty pipe say EAGAIN; dup is another number of the same file', () => {
  const [read, write] = native().pipe()
  expect(native().setNonblock(read)).toBe(0)
  expect(() => readSync(read, Buffer.alloc(1))).toThrow(expect.objectContaining({ errno: -EAGAIN }))
  const copy = native().dup(read)
  expect(copy).not.toBe(read)
  expect(fstatSync(copy).ino).toBe(fstatSync(read).ino)
  expect(native().setNonblock(9999)).toBe(EBADF)
  for (const fd of [read, write, copy]) native().close(fd)
})

test('pidfds: open, signal 0, and none for a pid that does not exist', () => {
  const own = native().pidfdOpen(process.pid)
  expect(own).toBeGreaterThan(0)
  expect(native().pidfdSignal(own, 0)).toBe(0)
  // We are not our own child, and we run.
  expect(native().pidfdExit(own)).toEqual({ exited: false, code: null, signal: null, unknown: false })
  native().close(own)
  expect(native().pidfdOpen(0x3fffffff)).toBe(-constants.errno.ESRCH)
})

test('the window size of what is no terminal', () => {
  const [read, write] = native().pipe()
  expect(native().getWinsize(read)).toBeNull()
  expect(native().setWinsize(read, 1, 1)).toBe(constants.errno.ENOTTY)
  expect(native().setWinsize(read, -1, 1)).toBe(EINVAL)
  for (const fd of [read, write]) native().close(fd)
})

test('the window size of a terminal', () => {
  const master = openSync('/dev/ptmx', 'r+')
  expect(native().setWinsize(master, 33, 121)).toBe(0)
  expect(native().getWinsize(master)).toEqual([33, 121])
  native().close(master)
})

test('facts agree with what the system says', () => {
  const facts = native().facts()
  const status = readFileSync('/proc/self/status', 'utf8')
  expect(facts.effectiveCaps).toBe(BigInt(`0x${/CapEff:\s*(\w+)/.exec(status)?.[1]}`))
  expect(facts.euid).toBe(process.geteuid?.())
  expect(facts.capLastCap).toBe(Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')))
  expect(facts.timeNamespace).toBe(existsSync('/proc/self/ns/time'))
  expect(facts.kernel.join('.')).toBe(
    /^\d+\.\d+/.exec(readFileSync('/proc/sys/kernel/osrelease', 'utf8'))?.[0],
  )
  expect(facts.cgroup2).toBe(existsSync('/sys/fs/cgroup/cgroup.controllers'))
})

test('names of errno values', () => {
  for (const [name, number] of Object.entries(constants.errno)) {
    if (name === 'EWOULDBLOCK' || name === 'ENOTSUP') continue
    expect(native().errnoName(number)).toBe(name)
  }
  expect(native().errnoName(0)).toBe('EUNKNOWN')
  expect(native().errnoName(99999)).toBe('EUNKNOWN')
})

test('a file that is written atomically has no other name before: a writer that dies leaves nothing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'addon-'))
  const names = new Set<string | null>()
  // `rename` is what Node calls names that come and go.
  const watcher = watch(dir, (event, name) => {
    if (event === 'rename') names.add(name)
  })
  const path = join(dir, 'pid')
  const plan = encodePlan([{ op: 'write', path, data: Buffer.from('1'), mode: 0o640, atomic: true }])
  expect((await native().run(plan, [], [])).failure).toBeNull()
  await expect.poll(() => names.size).toBeGreaterThan(0)
  watcher.close()
  expect([...names]).toEqual(['pid'])
  expect(readFileSync(path, 'utf8')).toBe('1')
  expect(statSync(path).mode & 0o7777).toBe(0o640)
  rmSync(dir, { recursive: true })
})
