import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  constants as fsConstants,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { INIT_COMM, SYNC } from '../../../lib/plan/messages.ts'
import type { Plan, Step } from '../../../lib/plan/steps.ts'
import { tempDir } from '../../harness/temp.ts'
import { capture, ended, launch, program } from '../addon/launch.ts'
import { Talk } from './talk.ts'

const CLONE_NEWPID = 0x20000000
const { ENOENT, EACCES, EPROTO, EINVAL, EALREADY, ENOEXEC, EBADF } = constants.errno
const LISTEN = 2

const comm = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
const socket = async (dir: string): Promise<number> => {
  const steps: Step[] = [
    { op: 'open', to: 4, path: dir, flags: fsConstants.O_DIRECTORY },
    { op: 'listen', to: LISTEN, dir: 4, path: 'start.sock' },
  ]
  const { failure, fds } = await native().run(encodePlan(steps), [], [LISTEN])
  expect(failure).toBeNull()
  return fds[0] ?? -1
}

/** A launched init that waits for `start`, and how to connect to it. */
async function created(tail: Step[], before: Step[] = []) {
  const dir = tempDir()
  const listener = await socket(dir)
  const [read, write] = native().pipe()
  const plan: Plan = [...before, { op: 'waitStart', listen: LISTEN }, ...tail]
  const launched = await launch(plan, { pass: [[listener, LISTEN]], stdout: write })
  native().close(write)
  native().close(listener)
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({ kind: 'created', step: before.length })
  return {
    ...launched,
    parent,
    output: () => readFileSync(read, 'utf8'),
    connect: () => {
      const dirFd = openSync(dir, fsConstants.O_DIRECTORY)
      const fd = native().connect(dirFd, 'start.sock')
      closeSync(dirFd)
      if (fd < 0) throw new Error(`connect: ${native().errnoName(-fd)}`)
      return new Talk(fd)
    },
    close: () => {
      native().close(read)
      native().close(launched.pidfd)
      native().close(launched.report)
      parent.close()
    },
  }
}

test('a sync carries its number and waits for go', async () => {
  const launched = await launch([{ op: 'nop' }, { op: 'sync', name: SYNC.hooks }, { op: 'nop' }])
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({ kind: 'sync', value: SYNC.hooks, step: 1, part: 0 })
  expect(native().pidfdExit(launched.pidfd).exited).toBe(false)
  expect(native().report(launched.report).step).toBe(1)
  expect(parent.send('go')).toBe(0)
  expect(await ended(launched.pidfd)).toMatchObject({ code: 0 })
  expect(await parent.next()).toBeNull()
  launched.close()
})

test.each(['abort', 'close'] as const)('a sync that is answered by %s ends init', async (answer) => {
  const launched = await launch([{ op: 'sync', name: SYNC.map }, ...program('sleep', '60')])
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({ kind: 'sync' })
  if (answer === 'abort') expect(parent.send('abort')).toBe(0)
  else parent.close()
  expect(await ended(launched.pidfd)).toMatchObject({ code: 1 })
  if (answer === 'abort') parent.close()
  native().close(launched.pidfd)
  native().close(launched.report)
})

test('a failure is told with step, call and text, and init exits 1', async () => {
  const launched = await launch([{ op: 'nop' }, { op: 'chdir', path: '/none' }])
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({
    kind: 'error',
    step: 1,
    part: 0,
    errno: ENOENT,
    syscall: 'chdir',
    text: '/none',
  })
  expect(await parent.next()).toBeNull()
  expect(await ended(launched.pidfd)).toMatchObject({ code: 1 })
  expect(native().report(launched.report)).toMatchObject({ step: 1, errno: ENOENT, syscall: 'chdir' })
  launched.close()
})

test('an exec is said before, and then the socket closes by itself', async () => {
  const launched = await launch(program('sleep', '0.3'))
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({ kind: 'exec' })
  expect(await parent.next()).toBeNull()
  expect(native().pidfdExit(launched.pidfd).exited).toBe(false)
  await ended(launched.pidfd)
  launched.close()
})

test('an exec that fails is told after all', async () => {
  const dir = tempDir()
  writeFileSync(join(dir, 'broken'), 'no program', { mode: 0o755 })
  const launched = await launch(program(join(dir, 'broken')))
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({ kind: 'exec' })
  expect(await parent.next()).toMatchObject({ kind: 'error', errno: ENOEXEC, syscall: 'execve', step: 1 })
  expect(await ended(launched.pidfd)).toMatchObject({ code: 1 })
  launched.close()
})

test('stages: each tells of the next, which is our child too', async () => {
  const plan: Plan = [
    { op: 'unshare', flags: CLONE_NEWPID },
    { op: 'fork', flags: 0 },
    ...program('sh', '-c', 'echo $$; exec sleep 60'),
  ]
  const [read, write] = native().pipe()
  const launched = await launch(plan, { stdout: write })
  native().close(write)
  const parent = new Talk(launched.socket)
  const stage = await parent.next()
  expect(stage).toMatchObject({ kind: 'stage' })
  const pidfd = stage?.fds[0] ?? -1
  expect(await ended(launched.pidfd)).toMatchObject({ code: 0 })
  const info = readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8')
  const pid = Number(/^Pid:\s*(\d+)/m.exec(info)?.[1])
  expect(pid).not.toBe(launched.pid)
  expect(await parent.next()).toMatchObject({ kind: 'exec' })
  const said = Buffer.alloc(2)
  expect(readSync(read, said)).toBe(2)
  expect(said.toString()).toBe('1\n')
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toContain(`PPid:\t${process.pid}\n`)
  expect(native().pidfdSignal(pidfd, constants.signals.SIGKILL)).toBe(0)
  expect(await ended(pidfd)).toMatchObject({ signal: constants.signals.SIGKILL })
  native().close(read)
  native().close(pidfd)
  launched.close()
})

test('a created container waits with a name of its own, and runs when start says go', async () => {
  const init = await created(program('sh', '-c', 'echo started; exec cat /proc/self/comm'))
  expect(comm(init.pid)).toBe(INIT_COMM)
  expect(init.parent.send('go')).toBe(0)
  expect(await init.parent.next()).toBeNull()
  expect(comm(init.pid)).toBe(INIT_COMM)
  const starter = init.connect()
  expect(starter.send('go')).toBe(0)
  expect(await starter.next()).toMatchObject({ kind: 'exec' })
  expect(await starter.next()).toBeNull()
  expect(await ended(init.pidfd)).toMatchObject({ code: 0 })
  expect(init.output()).toBe('started\ncat\n')
  starter.close()
  init.close()
})

test('until it was released by its parent, init dies with it; afterwards it lives on', async () => {
  const orphan = await created(program('true'))
  orphan.parent.close()
  expect(await ended(orphan.pidfd)).toMatchObject({ code: 1 })
  orphan.close()

  const init = await created(program('sh', '-c', 'echo alive'))
  init.parent.send('go')
  await init.parent.next()
  init.parent.close()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(native().pidfdExit(init.pidfd).exited).toBe(false)
  const starter = init.connect()
  starter.send('go')
  await ended(init.pidfd)
  expect(init.output()).toBe('alive\n')
  starter.close()
  init.close()
})

test('only one start is taken; those in the backlog and later ones are told', async () => {
  const init = await created([
    { op: 'hook', path: '/bin/sleep', args: ['sleep', '0.3'], env: [] },
    ...program('true'),
  ])
  const early = init.connect()
  const waiting = init.connect()
  expect(waiting.send('go')).toBe(0)
  init.parent.send('go')
  expect(early.send('go')).toBe(0)
  expect(await waiting.next()).toMatchObject({ kind: 'error', errno: EALREADY })
  expect(await waiting.next()).toBeNull()
  expect(() => init.connect()).toThrow('ECONNREFUSED')
  expect(await early.next()).toMatchObject({ kind: 'exec' })
  await ended(init.pidfd)
  for (const talk of [early, waiting]) talk.close()
  init.close()
})

test('a wrong message is answered by an error, and the wait goes on', async () => {
  const init = await created(program('echo', 'fine'))
  init.parent.send('go')
  for (const [send, errno] of [
    [(talk: Talk) => talk.send('sync'), EPROTO],
    [(talk: Talk) => talk.sendBytes(new Uint8Array(5)), EPROTO],
    [(talk: Talk) => talk.send('tail'), EPROTO],
    [(talk: Talk) => talk.send('tail', [0]), EINVAL],
  ] as const) {
    const wrong = init.connect()
    expect(send(wrong)).toBe(0)
    expect(await wrong.next()).toMatchObject({ kind: 'error', errno })
    wrong.close()
  }
  init.connect().close()
  const starter = init.connect()
  starter.send('go')
  expect(await starter.next()).toMatchObject({ kind: 'exec' })
  await ended(init.pidfd)
  expect(init.output()).toBe('fine\n')
  starter.close()
  init.close()
})

test('a tail replaces the rest of the plan; a malformed one is refused', async () => {
  const init = await created(program('echo', 'old'))
  init.parent.send('go')
  const plan = encodePlan(program('echo', 'new'))
  const bad = native().memfd('tail', plan.slice(0, plan.length - 8))
  const wrong = init.connect()
  wrong.send('tail', [bad])
  expect(await wrong.next()).toMatchObject({
    kind: 'error',
    errno: EINVAL,
    text: expect.stringContaining('size'),
  })
  wrong.close()
  native().close(bad)
  // Memory that its sender could still change: files of a tmpfs can be sealed, and this one is not.
  const path = `/dev/shm/tail-${process.pid}`
  writeFileSync(path, plan)
  const unsealed = openSync(path, 'r')
  unlinkSync(path)
  const sly = init.connect()
  sly.send('tail', [unsealed])
  expect(await sly.next()).toMatchObject({
    kind: 'error',
    errno: EINVAL,
    text: expect.stringContaining('sealed'),
  })
  sly.close()
  closeSync(unsealed)
  const good = native().memfd('tail', plan)
  const starter = init.connect()
  expect(starter.send('tail', [good])).toBe(0)
  native().close(good)
  expect(await starter.next()).toMatchObject({ kind: 'exec', part: 1, step: 1 })
  await ended(init.pidfd)
  expect(init.output()).toBe('new\n')
  starter.close()
  init.close()
})

test('a failure in the tail goes to the starter, and is that of the tail', async () => {
  const init = await created([{ op: 'nop' }])
  init.parent.send('go')
  const memfd = native().memfd('tail', encodePlan([{ op: 'fail', errno: EACCES, text: 'in the tail' }]))
  const starter = init.connect()
  starter.send('tail', [memfd])
  native().close(memfd)
  expect(await starter.next()).toMatchObject({
    kind: 'error',
    part: 1,
    step: 0,
    errno: EACCES,
    text: 'in the tail',
  })
  expect(await starter.next()).toBeNull()
  expect(await ended(init.pidfd)).toMatchObject({ code: 1 })
  expect(native().report(init.report)).toMatchObject({ part: 1, step: 0, errno: EACCES })
  starter.close()
  init.close()
})

test('a parent that goes away during a hook takes the hook with it', async () => {
  const file = join(tempDir(), 'pid')
  const args = ['sh', '-c', `echo $$ > ${file}.new; mv ${file}.new ${file}; sleep 60`]
  const env = ['PATH=/bin:/usr/bin']
  const launched = await launch([{ op: 'hook', path: '/bin/sh', args, env }])
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
  const pid = Number(readFileSync(file, 'utf8'))
  native().close(launched.socket)
  expect(await ended(launched.pidfd)).toMatchObject({ code: 1 })
  const gone = (): boolean => {
    try {
      return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    } catch {
      return true
    }
  }
  while (!gone()) await new Promise((resolve) => setTimeout(resolve, 5))
  native().close(launched.pidfd)
  native().close(launched.report)
})

test('fds are sent by their name', async () => {
  const file = openSync('/etc/hostname', 'r')
  const launched = await launch([{ op: 'sendFd', slot: 9, name: 77 }], { pass: [[file, 9]] })
  const parent = new Talk(launched.socket)
  const message = await parent.next()
  expect(message).toMatchObject({ kind: 'fd', value: 77 })
  expect(readFileSync(message?.fds[0] ?? -1, 'utf8')).toBe(readFileSync('/etc/hostname', 'utf8'))
  native().close(message?.fds[0] ?? -1)
  closeSync(file)
  await ended(launched.pidfd)
  launched.close()
})

test('steps of the host are not for init', async () => {
  const launched = await launch([{ op: 'waitPidfd', pidfd: 1, timeoutMs: 0 }])
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({ kind: 'error', errno: constants.errno.EPERM })
  await ended(launched.pidfd)
  launched.close()
})

test('a plan of another version is refused whole', async () => {
  const plan = encodePlan(program('true')).slice()
  new DataView(plan.buffer).setUint32(4, 12345, true)
  const spawn: Step = { op: 'spawn', plan, flags: 0, pidfd: 5, socket: 6, report: 7 }
  const { fds } = await native().run(encodePlan([spawn]), [], [5, 6, 7])
  const parent = new Talk(fds[1] ?? -1)
  const message = await parent.next()
  expect(message).toMatchObject({ kind: 'error', errno: EINVAL, text: 'it was made for another version' })
  await ended(fds[0] ?? -1)
  for (const fd of fds) native().close(fd)
})

test('programs are looked up as execvp does', async () => {
  const dir = tempDir()
  writeFileSync(join(dir, 'plain'), '#!/bin/sh\n', { mode: 0o644 })
  writeFileSync(join(dir, 'tool'), '#!/bin/sh\necho tool\n', { mode: 0o755 })
  execFileSync('mkdir', ['-p', join(dir, 'other/tool'), join(dir, 'other/plain')])
  symlinkSync('tool', join(dir, 'alias'))
  const look = async (name: string, path: string | null): Promise<number | string> => {
    const env = path === null ? [] : [`PATH=${path}`]
    const steps: Step[] = [
      { op: 'chdir', path: dir },
      { op: 'findProgram', program: name, env },
      { op: 'exec', args: [name], env },
    ]
    const { output, report } = await capture(steps)
    return report?.errno === 0 ? output.trim() : (report?.errno ?? -1)
  }
  expect(await look('tool', dir)).toBe('tool')
  expect(await look('alias', dir)).toBe('tool')
  expect(await look('tool', `${dir}/none:${dir}/other:${dir}`)).toBe('tool')
  expect(await look('tool', ':')).toBe('tool')
  expect(await look('./tool', '/bin')).toBe('tool')
  expect(await look(join(dir, 'tool'), null)).toBe('tool')
  expect(await look('true', null)).toBe('')
  expect(await look('none', dir)).toBe(ENOENT)
  expect(await look('', dir)).toBe(ENOENT)
  expect(await look('./none', dir)).toBe(ENOENT)
  expect(await look('plain', `${dir}:/none`)).toBe(EACCES)
  expect(await look('./other', dir)).toBe(EACCES)
  expect(await look('tool', `${dir}/other`)).toBe(EACCES)
})

test('a slot that is empty cannot be kept', async () => {
  const launched = await launch([{ op: 'exec', args: ['/bin/true'], env: [], fds: [900] }])
  const parent = new Talk(launched.socket)
  expect(await parent.next()).toMatchObject({
    kind: 'error',
    errno: EBADF,
    text: 'nothing to keep in slot 900',
  })
  await ended(launched.pidfd)
  launched.close()
})
