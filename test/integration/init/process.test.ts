import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { FD } from '../../../lib/plan/messages.ts'
import type { Step } from '../../../lib/plan/steps.ts'
import { tempDir } from '../../harness/temp.ts'
import { capture, ended, type LaunchOptions, launch, program } from '../addon/launch.ts'
import { Talk } from './talk.ts'

const CLONE_NEWNS = 0x00020000
const CLONE_NEWUTS = 0x04000000
const CLONE_NEWUSER = 0x10000000
const CLONE_NEWNET = 0x40000000
const CLONE_NEWTIME = 0x00000080
const { ENOENT, EACCES, EINVAL, EPERM } = constants.errno
const U64_MAX = 2n ** 64n - 1n
const PATH = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'

/** What a shell script prints after these steps. */
async function shell(steps: Step[], script: string, options: LaunchOptions = {}): Promise<string> {
  const [read, write] = native().pipe()
  const launched = await launch([...steps, ...program('sh', '-c', script)], { ...options, stdout: write })
  native().close(write)
  const talk = new Talk(launched.socket)
  let first = await talk.next()
  let pidfd = launched.pidfd
  while (first?.kind === 'stage') {
    pidfd = first.fds[0]!
    first = await talk.next()
  }
  const output = readFileSync(read, 'utf8')
  await ended(pidfd)
  if (pidfd !== launched.pidfd) native().close(pidfd)
  native().close(read)
  launched.close()
  if (first?.kind !== 'exec')
    throw new Error(`${first?.kind}: ${first?.syscall} ${first?.errno} ${first?.text}`)
  return output.trim()
}

/** The failure of a plan. */
async function failure(steps: Step[], options: LaunchOptions = {}) {
  const launched = await launch(steps, options)
  const message = await new Talk(launched.socket).next()
  await ended(launched.pidfd)
  launched.close()
  return message
}

const status = (...names: string[]): string => `grep -E '^(${names.join('|')}):' /proc/self/status`

test('ids and groups', async () => {
  const ids = (more: object = {}): Step[] => [
    { op: 'setIds', uid: 1234, gid: 567, groups: [5, 10, 4294967294n], ...more },
  ]
  expect(await shell(ids(), 'id -u; id -g; id -G')).toBe('1234\n567\n567 5 10 4294967294')
  const many = Array.from({ length: 1000 }, (_, i) => 10_000 + i)
  expect(await shell(ids({ groups: many }), 'id -G | wc -w')).toBe('1001')
  expect(await shell(ids({ keepGroups: true, groups: undefined }), status('Groups'))).toMatch(/^Groups:\s*$/)
  expect(await shell(ids(), status('CapEff'))).toContain('0000000000000000')
})

test('an id that a user namespace does not map is named', async () => {
  const unmapped = [
    { op: 'unshare', flags: CLONE_NEWUSER },
    { op: 'setIds', uid: 7, gid: 8, keepGroups: true },
  ] as const
  expect(await failure([...unmapped])).toMatchObject({
    errno: EINVAL,
    syscall: 'setresgid',
    text: 'group 8 is not mapped in the user namespace',
  })
  expect(await failure([{ op: 'setIds', uid: 2 ** 32, gid: 0 }])).toMatchObject({ errno: EINVAL })
})

test('capability sets: kept over the ids, bounded, ambient', async () => {
  const NET_BIND = 1n << 10n
  const CHOWN = 1n
  const steps: Step[] = [
    { op: 'boundingCaps', mask: NET_BIND | CHOWN },
    { op: 'setIds', uid: 1000, gid: 1000, groups: [], keepCaps: true },
    {
      op: 'caps',
      effective: NET_BIND,
      permitted: NET_BIND | CHOWN,
      inheritable: NET_BIND,
      ambient: NET_BIND,
    },
  ]
  const output = await shell(steps, status('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'))
  const set = (name: string): bigint => BigInt(`0x${new RegExp(`${name}:\\s+(\\w+)`).exec(output)?.[1]}`)
  expect(set('CapBnd')).toBe(NET_BIND | CHOWN)
  // By the exec, permitted and effective of a user are what is ambient.
  expect([set('CapInh'), set('CapPrm'), set('CapEff'), set('CapAmb')]).toEqual([
    NET_BIND,
    NET_BIND,
    NET_BIND,
    NET_BIND,
  ])
  const none: Step = { op: 'caps', effective: 0, permitted: 0, inheritable: 0, ambient: 0 }
  expect(
    await failure([none, { op: 'caps', effective: 1, permitted: 1, inheritable: 0, ambient: 0 }]),
  ).toMatchObject({
    errno: EPERM,
    syscall: 'capset',
  })
})

test('what was ambient before, is no more', async () => {
  const NET_BIND = 1n << 10n
  const kept = { effective: NET_BIND, permitted: NET_BIND, inheritable: NET_BIND }
  const steps: Step[] = [
    { op: 'setIds', uid: 1000, gid: 1000, groups: [], keepCaps: true },
    { op: 'caps', ...kept, ambient: NET_BIND },
    { op: 'caps', ...kept, ambient: 0 },
  ]
  expect(await shell(steps, status('CapPrm', 'CapAmb'))).toMatch(/CapPrm:\s+0+\s+CapAmb:\s+0+$/)
})

test('a capability that cannot be ambient is a warning', async () => {
  const caps: Step = { op: 'caps', effective: 1, permitted: 1, inheritable: 0, ambient: 1 }
  expect(await failure([caps, { op: 'nop' }])).toMatchObject({
    kind: 'warning',
    text: expect.stringContaining('capability 0 cannot be ambient'),
  })
})

test('no new privileges, umask, comm, dumpable, session', async () => {
  expect(await shell([{ op: 'noNewPrivs' }], status('NoNewPrivs'))).toMatch(/1$/)
  expect(await shell([{ op: 'umask', mask: 0o7027 }], 'umask')).toBe('0027')
  expect(await shell([{ op: 'setsid' }], 'cut -d" " -f6 /proc/$$/stat; echo $$')).toMatch(/^(\d+)\n\1$/)
  const launched = await launch([
    { op: 'comm', name: 'a-name' },
    { op: 'dumpable', on: false },
    { op: 'sync', name: 1 },
  ])
  const talk = new Talk(launched.socket)
  await talk.next()
  expect(readFileSync(`/proc/${launched.pid}/comm`, 'utf8')).toBe('a-name\n')
  talk.send('go')
  await ended(launched.pidfd)
  launched.close()
})

test('limits: exact, only raised, only lowered', async () => {
  const NOFILE = 7
  const limit = (more: object): Step => ({ op: 'rlimit', resource: NOFILE, soft: 100, hard: 200, ...more })
  const show = 'ulimit -Sn; ulimit -Hn'
  expect(await shell([limit({})], show)).toBe('100\n200')
  expect(await shell([limit({}), limit({ soft: 50, hard: 50, raise: true })], show)).toBe('100\n200')
  expect(await shell([limit({}), limit({ soft: 60, hard: 0, lower: true })], show)).toBe('60\n200')
  expect(await shell([limit({}), limit({ soft: 150, hard: 0, lower: true })], show)).toBe('100\n200')
  const core = await shell([{ op: 'rlimit', resource: 4, soft: 0, hard: U64_MAX }], 'ulimit -Sc; ulimit -Hc')
  expect(core).toBe('0\nunlimited')
  expect(await failure([{ op: 'rlimit', resource: 99, soft: 0, hard: 0 }])).toMatchObject({
    errno: EINVAL,
    syscall: 'prlimit64',
  })
})

test('oom_score_adj, through the own /proc and through a procfs fd', async () => {
  const own: Step = { op: 'oomScoreAdj', value: 321 }
  expect(await shell([own], 'cat /proc/self/oom_score_adj')).toBe('321')
  const proc = openSync('/proc', 'r')
  const pass: [number, number][] = [[proc, 1]]
  const through: Step = { op: 'oomScoreAdj', value: 123, proc: 1 }
  expect(await shell([through], 'cat /proc/self/oom_score_adj', { pass })).toBe('123')
  closeSync(proc)
  const tmp = openSync('/tmp', 'r')
  expect(await failure([through], { pass: [[tmp, 1]] })).toMatchObject({ errno: ENOENT, syscall: 'openat2' })
  closeSync(tmp)
})

test('scheduling, io priority, personality, affinity', async () => {
  const BATCH = 3
  const scheduler: Step = { op: 'scheduler', policy: BATCH, nice: 7 }
  // Fields 19 and 41 of stat(5): nice and policy.
  expect(await shell([scheduler], "cut -d' ' -f19,41 /proc/self/stat")).toBe('7 3')
  expect(await shell([{ op: 'ioPriority', value: (2 << 13) | 6 }], 'ionice')).toBe('best-effort: prio 6')
  const LINUX32 = 8
  expect(await shell([{ op: 'personality', persona: LINUX32 }], 'cat /proc/self/personality')).toBe(
    '00000008',
  )
  const first = await shell([{ op: 'affinity', mask: new Uint8Array([1]) }], status('Cpus_allowed_list'))
  expect(first).toMatch(/\s0$/)
  const all = readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:.*$/m)?.[0]
  const again: Step[] = [{ op: 'affinity', mask: new Uint8Array([1]) }, { op: 'affinity' }]
  expect(await shell(again, status('Cpus_allowed_list'))).toBe(all)
})

test('memory policy', async () => {
  const BIND = 2
  const policy: Step = { op: 'memoryPolicy', mode: BIND, nodes: new Uint8Array([1]) }
  expect(await shell([policy], 'grep -m1 -o "bind:0" /proc/self/numa_maps')).toBe('bind:0')
  expect(await failure([{ op: 'memoryPolicy', mode: 99 }])).toMatchObject({
    errno: EINVAL,
    syscall: 'set_mempolicy',
  })
})

test('names and the loopback device of new namespaces', async () => {
  const names: Step[] = [
    { op: 'hostname', name: 'a-host' },
    { op: 'domainname', name: 'a.domain' },
  ]
  const show = 'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname'
  expect(await shell(names, show, { flags: CLONE_NEWUTS })).toBe('a-host\na.domain')
  const up = 'ip -o link show lo | grep -o "<[A-Z,_]*>"'
  expect(await shell([{ op: 'loopback' }], up, { flags: CLONE_NEWNET })).toBe('<LOOPBACK,UP,LOWER_UP>')
})

test('clocks of a time namespace', async () => {
  const steps: Step[] = [
    { op: 'unshare', flags: CLONE_NEWTIME },
    { op: 'timeOffset', clock: 1, secs: 1_000_000, nanosecs: 5 },
    { op: 'timeOffset', clock: 7, secs: 2_000_000, nanosecs: 0 },
    // Only children are in it: before Linux 6.3 an exec changes nothing, and what forks by vfork(2) fails.
    { op: 'fork', flags: 0 },
  ]
  const output = await shell(steps, 'cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime')
  expect(output).toMatch(/^monotonic\s+1000000\s+5$/m)
  expect(Number(output.split('\n').at(-1))).toBeGreaterThan(2_000_000)
})

test('a session keyring of a name, to be searched by its possessor', async () => {
  const output = await shell([{ op: 'keyring', name: '_ses.test' }], 'grep _ses.test /proc/keys')
  const permissions = Number.parseInt(output.split(/\s+/)[4] ?? '', 16)
  expect(permissions & 0x0808_0000).toBe(0x0808_0000)
})

test('the working directory: made, kept from a user, checked against the root', async () => {
  const dir = tempDir()
  const chdir = (path: string, more: object = {}): Step => ({ op: 'chdir', path: join(dir, path), ...more })
  expect(await failure([chdir('a/b')])).toMatchObject({ errno: ENOENT, syscall: 'chdir' })
  expect(await shell([chdir('a/b', { create: true, check: true })], 'pwd')).toBe(join(dir, 'a/b'))
  expect(statSync(join(dir, 'a/b')).mode & 0o7777).toBe(0o755)

  mkdirSync(join(dir, 'private'))
  chmodSync(join(dir, 'private'), 0o700)
  chownSync(join(dir, 'private'), 1000, 1000)
  const user: Step = { op: 'setIds', uid: 1000, gid: 1000, groups: [] }
  const noFail = chdir('private', { noFail: true })
  const retry = chdir('private', { retry: true, check: true })
  expect(await shell([noFail, user, retry], 'pwd')).toBe(join(dir, 'private'))
  chownSync(join(dir, 'private'), 0, 0)
  // Entered as root, kept as a user.
  expect(await shell([noFail, user, retry], 'pwd -P; exit 0')).toBe(join(dir, 'private'))
  const other: Step = { op: 'setIds', uid: 2000, gid: 2000, groups: [] }
  expect(await failure([user, { ...noFail }, retry])).toMatchObject({ errno: EACCES, syscall: 'chdir' })
  expect(await failure([other, chdir('private')])).toMatchObject({ errno: EACCES })
  // What can't be made now may be there later.
  const later = [chdir('new/x', { create: true, noFail: true }), chdir('new/x', { retry: true })]
  expect(await failure([user, ...later])).toMatchObject({ errno: ENOENT, step: 2 })
})

test('a working directory outside of the root is found out', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'root'))
  const outside = openSync('/usr', 'r')
  const steps: Step[] = [
    { op: 'open', to: 2, path: join(dir, 'root'), flags: 0o200000 },
    { op: 'fchdir', slot: 2, chroot: true },
    { op: 'fchdir', slot: 1 },
    { op: 'chdir', path: '.', check: true },
  ]
  expect(await failure(steps, { pass: [[outside, 1]], flags: CLONE_NEWNS })).toMatchObject({
    kind: 'error',
    errno: ENOENT,
    step: 3,
  })
  closeSync(outside)
})

test('HOME comes from the root’s own /etc/passwd', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'etc'))
  for (const name of ['bin', 'lib', 'lib64', 'usr']) mkdirSync(join(dir, name))
  const home = async (passwd: string | null, env: string[], uid: number): Promise<string> => {
    if (passwd !== null) writeFileSync(join(dir, 'etc/passwd'), passwd)
    const steps: Step[] = [
      { op: 'propagation', path: '/', flags: 0x4000 | (1 << 18) },
      { op: 'open', to: 2, path: dir, flags: 0o200000 },
      { op: 'bind', root: 2, target: '/bin', source: '/bin', recursive: true },
      { op: 'bind', root: 2, target: '/lib', source: '/lib', recursive: true },
      { op: 'bind', root: 2, target: '/lib64', source: '/lib64', recursive: true },
      { op: 'bind', root: 2, target: '/usr', source: '/usr', recursive: true },
      { op: 'fchdir', slot: 2, chroot: true },
      { op: 'findProgram', program: 'printenv', env: [PATH] },
      { op: 'exec', args: ['printenv', 'HOME'], env, home: true, homeUid: uid },
    ]
    return (await capture(steps, { flags: CLONE_NEWNS })).output.trim()
  }
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nbad line\na:x:12:1::/home/a:/bin/sh\nlast:x:13:1::/home/last'
  expect(await home(passwd, [], 0)).toBe('/root')
  expect(await home(null, [], 12)).toBe('/home/a')
  expect(await home(null, [], 13)).toBe('/home/last')
  expect(await home(null, [], 1)).toBe('/')
  expect(await home(null, ['HOME=/own'], 12)).toBe('/own')
  expect(await home(null, ['HOME='], 12)).toBe('/home/a')
  expect(await home(`${'x'.repeat(5000)}:x:14:1::/long:\nb:x:14:1::relative:\nc:x:14:1::/c:\n`, [], 14)).toBe(
    '/c',
  )
  expect(await home(`${'#'.repeat(100_000)}\nz:x:15:1::/z:\n`, [], 15)).toBe('/z')
})

test('LISTEN_PID is the process’s own', async () => {
  const env = [PATH, 'LISTEN_PID=1', 'LISTEN_FDS=2']
  const steps: Step[] = [
    { op: 'findProgram', program: 'sh', env },
    { op: 'exec', args: ['sh', '-c', 'echo $LISTEN_PID $$ $LISTEN_FDS'], env, pidEnv: true },
  ]
  const { output, pid } = await capture(steps)
  expect(output).toBe(`${pid} ${pid} 2\n`)
})

test('standard streams are given to the user, devices are not', async () => {
  const [read, write] = native().pipe()
  const steps: Step[] = [
    { op: 'chownStdio', uid: 4321 },
    ...program('sh', '-c', 'stat -Lc %u /dev/stdin /dev/stdout'),
  ]
  const launched = await launch(steps, { stdout: write })
  native().close(write)
  expect(readFileSync(read, 'utf8')).toBe('0\n4321\n')
  native().close(read)
  await ended(launched.pidfd)
  launched.close()
  expect(statSync('/dev/null').uid).toBe(0)
})

test('a label is written only through a real procfs', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'self/attr'), { recursive: true })
  symlinkSync('/tmp/oci-ts-elsewhere', join(dir, 'self/attr/exec'))
  const fake = openSync(dir, 'r')
  const label: Step = { op: 'lsmLabel', proc: 1, lsm: 'apparmor', value: 'exec unconfined' }
  const message = await failure([label], { pass: [[fake, 1]] })
  closeSync(fake)
  expect(message).toMatchObject({ kind: 'error', syscall: 'openat2' })
  expect([constants.errno.EXDEV, ENOENT]).toContain(message?.errno)
})

// One word of BPF: code, jt, jf, k.
const insn = (code: number, jt: number, jf: number, k: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(jt, 2)
  bytes.writeUInt8(jf, 3)
  bytes.writeUInt32LE(k, 4)
  return bytes
}
const LOAD_NUMBER = insn(0x20, 0, 0, 0)
const RETURN = (action: number): Buffer => insn(0x06, 0, 0, action)
const ALLOW = 0x7fff_0000
const ERRNO = 0x0005_0000

test('a filter that forbids everything but the exec does not keep the exec from being done and told', async () => {
  const EXECVE = process.arch === 'x64' ? 59 : 221
  const filter = Buffer.concat([
    LOAD_NUMBER,
    insn(0x15, 0, 1, EXECVE),
    RETURN(ALLOW),
    insn(0x15, 0, 1, process.arch === 'x64' ? 1 : 64),
    RETURN(ALLOW),
    RETURN(ERRNO | constants.errno.EPERM),
  ])
  const steps: Step[] = [
    { op: 'findProgram', program: 'true', env: [PATH] },
    { op: 'noNewPrivs' },
    { op: 'seccomp', flags: 0, filter },
    { op: 'exec', args: ['true'], env: [], home: true, pidEnv: true },
  ]
  const launched = await launch(steps)
  const talk = new Talk(launched.socket)
  expect(await talk.next()).toMatchObject({ kind: 'exec', step: 3 })
  expect(await talk.next()).toBeNull()
  await ended(launched.pidfd)
  launched.close()
})

test('a seccomp listener is handed out, though the filter asks it about everything', async () => {
  const NEW_LISTENER = 8
  const UNAME = process.arch === 'x64' ? 63 : 160
  const SENDMSG = process.arch === 'x64' ? 46 : 211
  const NOTIFY = 0x7fc0_0000
  const filter = Buffer.concat([
    LOAD_NUMBER,
    insn(0x15, 1, 0, UNAME),
    insn(0x15, 0, 1, SENDMSG),
    RETURN(NOTIFY),
    RETURN(ALLOW),
  ])
  const steps: Step[] = [{ op: 'noNewPrivs' }, { op: 'seccomp', flags: NEW_LISTENER, filter }, { op: 'nop' }]
  const launched = await launch(steps)
  const talk = new Talk(launched.socket)
  const message = await talk.next()
  expect(message).toMatchObject({ kind: 'fd', value: FD.seccomp })
  const listener = message?.fds[0] ?? -1
  expect(readFileSync(`/proc/self/fdinfo/${listener}`, 'utf8')).toContain('flags')
  expect(await ended(launched.pidfd)).toMatchObject({ code: 0 })
  native().close(listener)
  launched.close()
})

test('a filter that is none is refused', async () => {
  expect(
    await failure([{ op: 'noNewPrivs' }, { op: 'seccomp', flags: 0, filter: Buffer.alloc(7) }]),
  ).toMatchObject({
    errno: EINVAL,
  })
  const nonsense = Buffer.alloc(8, 0xff)
  expect(await failure([{ op: 'noNewPrivs' }, { op: 'seccomp', flags: 0, filter: nonsense }])).toMatchObject({
    errno: EINVAL,
    syscall: 'seccomp',
  })
})

test('the flags of a filter are handed to the kernel', async () => {
  const filter = RETURN(ALLOW)
  const load = (flags: number) =>
    failure([{ op: 'noNewPrivs' }, { op: 'seccomp', flags, filter }, { op: 'fail', errno: 5, text: '' }])
  const SPEC_ALLOW = 4
  expect(await load(SPEC_ALLOW)).toMatchObject({ errno: 5 })
  expect(await load(1 << 30)).toMatchObject({ errno: EINVAL, syscall: 'seccomp' })
})
