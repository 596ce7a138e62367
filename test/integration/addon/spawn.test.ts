import {
  closeSync,
  existsSync,
  constants as fsConstants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
} from 'node:fs'
import { constants, hostname } from 'node:os'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { decodeMessage } from '../../../lib/plan/message-codec.ts'
import { SLOT } from '../../../lib/plan/slots.ts'
import type { Step } from '../../../lib/plan/steps.ts'
import { capture, ended, launch, program } from './launch.ts'

const O_PATH = 0o10000000
const { O_DIRECTORY } = fsConstants
const CLONE_NEWPID = 0x20000000
const CLONE_NEWUTS = 0x04000000

test('a plan runs a program of the host, whose exit code comes by pidfd', async () => {
  const { output, exit, failure, pid } = await capture(program('sh', '-c', 'echo "$$"; exit 42'))
  expect(failure).toBeNull()
  expect(Number(output)).toBe(pid)
  expect(exit).toEqual({ exited: true, code: 42, signal: null, unknown: false })
})

test('the signal that ends a process is told', async () => {
  const launched = await launch(program('sleep', '60'))
  expect(native().pidfdExit(launched.pidfd).exited).toBe(false)
  expect(native().pidfdSignal(launched.pidfd, constants.signals.SIGKILL)).toBe(0)
  expect(await ended(launched.pidfd)).toEqual({ exited: true, code: null, signal: 9, unknown: false })
  expect(native().pidfdSignal(launched.pidfd, constants.signals.SIGKILL)).toBe(constants.errno.ESRCH)
  launched.close()
})

test('init has stdio, plan, socket and what is passed, in order, and nothing else', async () => {
  const file = openSync('/etc/hostname', 'r')
  // Numbers that collide with those that the child needs, in every way: swapped, equal, repeated.
  const { output, failure } = await capture(
    [
      { op: 'findProgram', program: 'ls', env: ['PATH=/bin'] },
      { op: 'exec', args: ['ls', '-l', '/proc/self/fd'], env: [], fds: [40, 41, 42] },
    ],
    {
      pass: [
        [file, 40],
        [0, 41],
        [file, 42],
      ],
    },
  )
  closeSync(file)
  expect(failure).toBeNull()
  const fds = [...output.matchAll(/ (\d+) -> (.*)/g)].map(([, fd, target]) => [Number(fd), target])
  expect(fds.slice(0, 3)).toEqual([
    [0, '/dev/null'],
    [1, expect.stringMatching(/^pipe:/)],
    [2, '/dev/null'],
  ])
  expect(fds[3]).toEqual([3, '/etc/hostname'])
  expect(fds[4]?.[0]).toBe(4)
  expect(fds[5]).toEqual([5, '/etc/hostname'])
  // ls's own, of the listing.
  expect(fds[6]?.[1]).toMatch(/^\/proc\/\d+\/fd$/)
  expect(fds).toHaveLength(7)
})

test('fds that lie on numbers that others need are moved out of the way', async () => {
  // The low numbers are taken by now: lend each of them in reverse order.
  const all = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > 2 && fd < 20)
    .flatMap((fd) => {
      try {
        return [{ fd, inode: readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/ino:\s*(\d+)/)?.[1] }]
      } catch {
        return []
      }
    })
    .reverse()
  const { output, failure } = await capture(
    [
      { op: 'findProgram', program: 'sh', env: ['PATH=/bin'] },
      {
        op: 'exec',
        args: ['sh', '-c', 'for i in /proc/self/fdinfo/*; do echo "$i $(grep ino: $i)"; done'],
        env: ['PATH=/bin:/usr/bin'],
        fds: all.map((_, i) => 300 + i),
      },
    ],
    { pass: all.map(({ fd }, i) => [fd, 300 + i]) },
  )
  expect(failure).toBeNull()
  const found = new Map(
    [...output.matchAll(/fdinfo\/(\d+) ino:\s*(\d+)/g)].map(([, fd, inode]) => [Number(fd), inode]),
  )
  expect(all.map((_, i) => found.get(3 + i))).toEqual(all.map(({ inode }) => inode))
})

test('no disposition or mask of node reaches the program', async () => {
  // Node ignores SIGPIPE.
  const ignored = /SigIgn:\t(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  expect(BigInt(`0x${ignored}`) & (1n << BigInt(constants.signals.SIGPIPE - 1))).not.toBe(0n)
  const { output } = await capture(program('grep', '^Sig', '/proc/self/status'))
  const words = [...output.matchAll(/^Sig(?:Blk|Ign):\t(\w+)$/gm)].map(([, word]) => word)
  expect(words).toEqual(['0000000000000000', '0000000000000000'])
})

test('namespaces are made by the launching clone', async () => {
  const before = hostname()
  const steps: Step[] = [{ op: 'hostname', name: 'inner' }, ...program('sh', '-c', 'echo $$; uname -n')]
  const { output } = await capture(steps, { flags: CLONE_NEWPID | CLONE_NEWUTS })
  expect(output).toBe('1\ninner\n')
  expect(hostname()).toBe(before)
})

test('a clone that the kernel refuses is told with its errno', async () => {
  const CLONE_NEWNS_AND_FS = 0x00020000 | 0x00000200
  const launched = await launch(program('true'), { flags: CLONE_NEWNS_AND_FS })
  expect(launched.result.failure).toEqual({
    step: 0,
    errno: constants.errno.EINVAL,
    syscall: 'clone',
    text: '',
  })
  expect(launched.result.fds).toEqual([-1, -1, -1])
  expect(launched.pid).toBe(0)
})

test('an empty slot to pass is EBADF', async () => {
  const init = encodePlan(program('true'))
  const plan = encodePlan([
    {
      op: 'spawn',
      plan: init,
      flags: 0,
      pass: [50, 1],
      pidfd: SLOT.pidfd,
      socket: SLOT.socket,
      report: SLOT.report,
    },
  ])
  const { failure, pid } = await native().run(plan, [], [])
  expect(failure).toMatchObject({ errno: constants.errno.EBADF, text: 'nothing to pass in slot 50' })
  expect(pid).toBe(0)
})

test('the report tells the step that failed', async () => {
  const { exit, report } = await capture([{ op: 'nop' }, { op: 'fail', errno: 28, text: 'no' }])
  expect(exit).toMatchObject({ code: 1 })
  expect(report).toMatchObject({ step: 1, part: 0, errno: 28 })
})

/** The v2 hierarchy: alone, or beside v1. */
const UNIFIED = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) =>
  existsSync(`${path}/cgroup.procs`),
)
const isV2 =
  UNIFIED !== undefined && readFileSync('/proc/self/mounts', 'utf8').includes(` ${UNIFIED} cgroup2 `)

test.runIf(isV2)('a process is born in its v2 cgroup, and joining it again is left out', async () => {
  const path = mkdtempSync(`${UNIFIED}/addon-`)
  const cgroup = openSync(path, O_PATH | O_DIRECTORY)
  // Not writable: a join that is carried out fails.
  const procs = openSync(`${path}/cgroup.procs`, 'r')
  try {
    const steps: Step[] = [
      { op: 'joinCgroup', slot: 40 },
      ...program('sh', '-c', 'grep ^0:: /proc/self/cgroup; grep -c . "$0"', `${path}/cgroup.procs`),
    ]
    const born = await capture(steps, { cgroup, pass: [[procs, 40]] })
    expect(born.output).toMatch(new RegExp(`^0::.*/${basename(path)}\n`))
    const unborn = await capture(steps, { pass: [[procs, 40]] })
    expect(unborn.report).toMatchObject({ step: 0, errno: constants.errno.EBADF, syscall: 'write' })
    // Where the clone can't (here: what is no cgroup), init joins by itself.
    const writable = openSync(`${path}/cgroup.procs`, 'w')
    const joined = await capture(steps, { cgroup: procs, pass: [[writable, 40]] })
    closeSync(writable)
    expect(joined.output).toMatch(new RegExp(`^0::.*/${basename(path)}\n`))
  } finally {
    closeSync(procs)
    closeSync(cgroup)
    await removeCgroup(path)
  }
})

test('init hands out an fd in a datagram', async () => {
  const file = openSync('/etc/hostname', 'r')
  const launched = await launch([{ op: 'sendFd', slot: 40, name: 2 }], { pass: [[file, 40]] })
  closeSync(file)
  await ended(launched.pidfd)
  const datagram = native().recv(launched.socket)
  expect(datagram?.fds).toHaveLength(1)
  const [received = -1] = datagram?.fds ?? []
  expect(decodeMessage(datagram?.data ?? new Uint8Array())).toMatchObject({ kind: 'fd', value: 2 })
  expect(readFileSync(received, 'utf8')).toBe(readFileSync('/etc/hostname', 'utf8'))
  expect(readFileSync(`/proc/self/fdinfo/${received}`, 'utf8')).toMatch(/^flags:\t02/m) // O_CLOEXEC
  expect(native().recv(launched.socket)).toEqual({ data: new Uint8Array(0), fds: [] })
  closeSync(received)
  launched.close()
})

test('a traced plan has a time for its begin and for the end of each step', async () => {
  const { report } = await capture([{ op: 'nop' }, { op: 'nop' }, ...program('true')], { trace: true })
  const times = [...(report?.times ?? [])]
  expect(times.length).toBeGreaterThanOrEqual(4)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  expect(times[0]).toBeGreaterThan(0)
})

test('a report that claims more than it has is cut to its file', () => {
  const page = new Uint32Array(12)
  page.set([7, 9, 5, 99999, 0xffffffff], 7)
  page[4] = 0xffffffff
  const fd = native().memfd('report', new Uint8Array(page.buffer))
  expect(native().report(fd)).toMatchObject({
    step: 7,
    part: 9,
    errno: 5,
    syscall: '',
    times: new Float64Array(0),
  })
  native().close(fd)
})

/** A cgroup is busy for a moment after its last process has ended. */
async function removeCgroup(path: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(path)
    } catch (error) {
      if (tries === 50) throw error
      await sleep(20)
    }
  }
}
