import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodePlan } from '../../../lib/plan/encode.ts'
import type { Plan, Step } from '../../../lib/plan/steps.ts'
import { STEPS } from '../../../lib/plan/steps.ts'

const ROOT = new URL('../../..', import.meta.url).pathname
const RUNNER = join(ROOT, '.cache/plan-runner/plan_runner')
const { ENOENT, EEXIST, EPERM, EBADF, EAGAIN, ECHILD, ETIMEDOUT, ENOTDIR, EINVAL, ENOTEMPTY } =
  constants.errno
const O_CREAT = 0o100
const O_DIRECTORY = 0o200000
const O_PATH = 0o10000000

interface Outcome {
  errno: number
  syscall: string
  step: number
  text: string
  marks: number
  reads: string[]
  malformed?: string
}

let dir: string

beforeAll(() => {
  execFileSync('bash', [join(ROOT, 'scripts/build-plan-runner.sh')], { stdio: 'pipe' })
}, 300_000)

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'oci-ts-interpreter-'))
})

afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

/** Runs the interpreter, built with sanitizers, on bytes. */
function runBytes(bytes: Uint8Array, mode: string[] = []): Outcome & { count?: number } {
  const file = join(dir, '.plan')
  writeFileSync(file, bytes)
  const { stdout, stderr, status } = spawnSync(RUNNER, [file, ...mode], { encoding: 'utf8' })
  rmSync(file)
  if (status !== 0) throw new Error(`the runner ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}

const run = (...steps: Step[]): Outcome => runBytes(encodePlan(steps))
const at = (name: string): string => join(dir, name)
const mode = (name: string): number => lstatSync(at(name)).mode & 0o7777
const text = (value: string): Uint8Array => Buffer.from(value)
const fine = { errno: 0 }

/** The letter of a process's state, or `gone`. */
function stateOf(pid: string): string {
  try {
    // Behind the name, which is in parentheses.
    return /^.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'gone'
  } catch {
    return 'gone'
  }
}

describe('the decoder', () => {
  const every = Object.entries(STEPS).map(([op, { fields }]) => {
    const values = {
      u64: 1,
      i64: -1,
      bool: true,
      str: 'text',
      bytes: text('b'),
      strs: ['a', ''],
      u64s: [1],
      slot: 9,
    }
    const named = Object.entries<string>(fields).map(([name, kind]) => [
      name,
      values[kind.replace('?', '') as keyof typeof values],
    ])
    return { op, ...Object.fromEntries(named) } as Step
  })

  it('takes every step that there is', () => {
    expect(runBytes(encodePlan(every), ['dry'])).toEqual({ count: every.length })
  })

  it('refuses every plan that was cut short', () => {
    const plan = encodePlan([{ op: 'symlink', path: 'a', target: 'b' }])
    for (let size = 0; size < plan.length; size += 8) {
      expect(runBytes(plan.slice(0, size)).malformed).toBeTruthy()
    }
  })

  const patched = (
    offset: number,
    value: number,
    steps: Plan = [{ op: 'hostname', name: 'abc' }],
  ): string | undefined => {
    const plan = encodePlan(steps).slice()
    new DataView(plan.buffer).setUint32(offset, value, true)
    return runBytes(plan, ['dry']).malformed
  }

  it.each<[string, number, number, Plan | undefined, string]>([
    ['another magic', 0, 0x5049434e, undefined, 'does not begin like a plan'],
    ['another step table', 4, 1, undefined, 'another version'],
    ['another size', 8, 4096, undefined, 'another size'],
    ['more records', 12, 2, undefined, 'more or fewer records'],
    ['fewer records', 12, 0, undefined, 'more or fewer records'],
    ['unknown flags', 16, 2, undefined, 'unknown flags'],
    ['a record beyond the end', 32, 4096, undefined, 'wrong size'],
    ['an empty record', 32, 0, undefined, 'wrong size'],
    ['an unknown operation', 36, 0x7777, undefined, 'no such operation'],
    ['a string beyond its record', 48, 0x1000, undefined, 'out of its record'],
    ['a string in the header', 48, 4, undefined, 'out of its record'],
    ['a long string', 52, 0xffff_ffff, undefined, 'out of its record'],
    ['a string without its end', 52, 2, undefined, 'no NUL at its end'],
    ['a string of two', 56, 0x61_00_61, undefined, 'NUL inside'],
    ['a missing string', 48, 0, undefined, 'out of its record'],
    ['a boolean of 2', 48, 2, [{ op: 'dumpable', on: true }], 'neither 0 nor 1'],
    ['a slot of 1024', 48, 1024, [{ op: 'close', slot: 1 }], 'no such slot'],
    ['no slot', 48, 0xffff_ffff, [{ op: 'close', slot: 1 }], 'required field is missing'],
    ['a crooked list', 56, 44, [{ op: 'findProgram', program: 'abcdefghijk', env: ['x'] }], 'not aligned'],
  ])('refuses %s', (_, offset, value, steps, reason) => {
    expect(patched(offset, value, steps)).toContain(reason)
  })
})

describe('the order of steps', () => {
  it('ends at the first failure, and names it', () => {
    const result = run(
      { op: 'nop' },
      { op: 'rmdir', path: at('none') },
      { op: 'mkdir', path: at('made'), mode: 0o755 },
    )
    expect(result).toMatchObject({ errno: ENOENT, syscall: 'unlinkat', step: 1, text: at('none') })
    expect(existsSync(at('made'))).toBe(false)
  })

  it('goes on after an ignored errno, and only then with an alternative', () => {
    const fail = (errno: number, more: object): Step => ({ op: 'fail', errno, text: 'so', ...more })
    const file = (name: string): Step => ({
      op: 'write',
      path: at(name),
      data: text('x'),
      flags: O_CREAT,
      mode: 0o600,
      orElse: true,
    })
    expect(run(fail(ENOENT, { ignore: [EPERM, ENOENT] }), file('a'), file('b'))).toMatchObject(fine)
    expect(existsSync(at('a'))).toBe(true)
    expect(existsSync(at('b'))).toBe(false)
    expect(run({ op: 'nop' }, file('c'), file('d'))).toMatchObject(fine)
    expect(existsSync(at('c'))).toBe(false)
    expect(run(fail(EAGAIN, { ignore: [ENOENT] }))).toMatchObject({ errno: EAGAIN, text: 'so' })
    const chain = run(
      fail(ENOENT, { ignore: [ENOENT] }),
      fail(EPERM, { ignore: [EPERM], orElse: true }),
      file('e'),
    )
    expect(chain).toMatchObject(fine)
    expect(existsSync(at('e'))).toBe(true)
  })

  it('marks the begin and the end of each step, if asked to', () => {
    const plan: Plan = [{ op: 'nop' }, { op: 'nop', orElse: true }, { op: 'nop' }]
    expect(runBytes(encodePlan(plan, { trace: true })).marks).toBe(4)
    expect(runBytes(encodePlan(plan)).marks).toBe(0)
  })

  it('refuses what would change the host process', () => {
    const steps: Step[] = [
      { op: 'umask', mask: 0 },
      { op: 'chdir', path: '/' },
      { op: 'setIds', uid: 1, gid: 1 },
      { op: 'unshare', flags: 0 },
      { op: 'chroot', root: 0 },
      { op: 'exec', args: ['/bin/true'], env: [] },
      { op: 'fork', flags: 0 },
      { op: 'joinCgroup', slot: 1 },
    ]
    for (const step of steps) expect(run(step)).toMatchObject({ errno: EPERM, syscall: '' })
  })
})

describe('file steps', () => {
  it('make directories with exactly their mode, parents included', () => {
    expect(run({ op: 'mkdir', path: at('a/b/c'), mode: 0o1777, parents: true })).toMatchObject(fine)
    expect([mode('a'), mode('a/b'), mode('a/b/c')]).toEqual([0o755, 0o755, 0o1777])
    expect(run({ op: 'mkdir', path: at('a/b'), mode: 0o700 })).toMatchObject({ errno: EEXIST })
    expect(run({ op: 'mkdir', path: at('a/b'), mode: 0o700, existOk: true })).toMatchObject(fine)
    expect(mode('a/b')).toBe(0o755)
    expect(run({ op: 'mkdir', path: at('x/y'), mode: 0o700 })).toMatchObject({ errno: ENOENT })
    writeFileSync(at('file'), '')
    const onFile = run({ op: 'mkdir', path: at('file'), mode: 0o700, existOk: true })
    expect(onFile).toMatchObject({ errno: ENOTDIR })
  })

  it('keep made directories open, to work in them', () => {
    const result = run(
      { op: 'mkdir', path: at('d'), mode: 0o700, to: 5 },
      { op: 'write', dir: 5, path: 'f', data: text('hello'), flags: O_CREAT, mode: 0o640 },
      { op: 'read', dir: 5, path: 'f', max: 3 },
      { op: 'read', dir: 5, path: 'f', max: 100 },
      { op: 'close', slot: 5 },
      { op: 'read', dir: 5, path: 'f', max: 100 },
    )
    expect(result).toMatchObject({ errno: EBADF, step: 5, reads: ['hel', 'hello'] })
    expect(mode('d/f')).toBe(0o640)
  })

  it('stay inside a root, whatever lies in it', () => {
    mkdirSync(at('root/sub'), { recursive: true })
    mkdirSync(at('outside'))
    symlinkSync(at('outside'), at('root/absolute'))
    symlinkSync('../../outside', at('root/sub/relative'))
    const inRoot = (path: string): Outcome =>
      run(
        { op: 'open', to: 0, path: at('root'), flags: O_PATH | O_DIRECTORY },
        { op: 'mkdir', dir: 0, path, mode: 0o755, inRoot: true, parents: true, existOk: true },
      )
    expect(inRoot('absolute/x')).toMatchObject(fine)
    expect(inRoot('sub/relative/y/z')).toMatchObject(fine)
    expect(inRoot('../../../w')).toMatchObject(fine)
    expect(existsSync(at('outside/x'))).toBe(false)
    expect(existsSync(at('outside/y'))).toBe(false)
    expect(existsSync(at(`root/${dir}/outside/x`))).toBe(true)
    expect(existsSync(at('root/outside/y/z'))).toBe(true)
    expect(existsSync(at('root/w'))).toBe(true)
  })

  it('follow symlinks to nothing inside the root, and no further than 40', () => {
    mkdirSync(at('root'))
    symlinkSync('/run/shm', at('root/link'))
    symlinkSync('loop', at('root/loop'))
    const open: Step = { op: 'open', to: 0, path: at('root'), flags: O_PATH | O_DIRECTORY }
    const make = (path: string): Step => ({
      op: 'mkdir',
      dir: 0,
      path,
      mode: 0o750,
      inRoot: true,
      parents: true,
      existOk: true,
    })
    expect(run(open, make('/link'))).toMatchObject(fine)
    expect(statSync(at('root/run/shm')).isDirectory()).toBe(true)
    expect(run(open, make('/loop/x')).errno).toBe(constants.errno.ELOOP)
  })

  it('write atomically: readers see the old or the new, and nothing is left beside', () => {
    writeFileSync(at('state'), 'old')
    const write: Step = { op: 'write', path: at('state'), data: text('new'), atomic: true, mode: 0o644 }
    expect(run(write)).toMatchObject(fine)
    expect(readFileSync(at('state'), 'utf8')).toBe('new')
    expect(mode('state')).toBe(0o644)
    mkdirSync(at('taken/full'), { recursive: true })
    expect(run({ ...write, path: at('taken') }).errno).not.toBe(0)
    expect(execFileSync('ls', ['-A', dir], { encoding: 'utf8' })).not.toContain('.oci-ts.')
  })

  it('write only to files that exist, unless asked to make them', () => {
    expect(run({ op: 'write', path: at('none'), data: text('x') })).toMatchObject({ errno: ENOENT })
    symlinkSync(at('target'), at('link'))
    const noLinks = 0x04
    writeFileSync(at('target'), '')
    const resolved = run({ op: 'write', path: at('link'), data: text('x'), resolve: noLinks })
    expect(resolved).toMatchObject({ errno: constants.errno.ELOOP, syscall: 'openat2' })
  })

  it('read one result a step, empty for a failed one', () => {
    writeFileSync(at('f'), 'text')
    const result = run(
      { op: 'read', path: at('none'), max: 10, ignore: [ENOENT] },
      { op: 'read', path: at('f'), max: 10 },
    )
    expect(result.reads).toEqual(['', 'text'])
  })

  it('copy small files, or only where there is nothing yet', () => {
    writeFileSync(at('from'), '0-3\n')
    writeFileSync(at('to'), '\n')
    const copy: Step = { op: 'copy', fromPath: at('from'), toPath: at('to'), onlyIfEmpty: true }
    expect(run(copy)).toMatchObject(fine)
    expect(readFileSync(at('to'), 'utf8')).toBe('0-3\n')
    writeFileSync(at('from'), '1\n')
    run(copy)
    expect(readFileSync(at('to'), 'utf8')).toBe('0-3\n')
    writeFileSync(at('from'), 'x'.repeat(4096))
    expect(run({ ...copy, onlyIfEmpty: false }).errno).toBe(constants.errno.EFBIG)
  })

  it('make symlinks, with every way to treat what is there', () => {
    const link = (more: object): Outcome => run({ op: 'symlink', path: at('l'), target: 't', ...more })
    expect(link({ ifExists: at('none') })).toMatchObject(fine)
    expect(existsSync(at('l'))).toBe(false)
    expect(link({ ifExists: dir })).toMatchObject(fine)
    expect(readlinkSync(at('l'))).toBe('t')
    expect(link({})).toMatchObject({ errno: EEXIST })
    expect(link({ target: 'u', existOk: true })).toMatchObject(fine)
    expect(readlinkSync(at('l'))).toBe('t')
    expect(link({ target: 'u', replace: true })).toMatchObject(fine)
    expect(readlinkSync(at('l'))).toBe('u')
  })

  it('rename, remove, and refuse what is not empty', () => {
    mkdirSync(at('d/e'), { recursive: true })
    writeFileSync(at('f'), '')
    expect(run({ op: 'rename', path: at('f'), newPath: at('g') })).toMatchObject(fine)
    expect(run({ op: 'unlink', path: at('g') })).toMatchObject(fine)
    expect(run({ op: 'rmdir', path: at('d') })).toMatchObject({ errno: ENOTEMPTY })
    expect(run({ op: 'rmdir', path: at('d/e') }, { op: 'rmdir', path: at('d') })).toMatchObject(fine)
    expect(run({ op: 'unlink', path: '/' }).errno).not.toBe(0)
  })

  it('remove whole trees, and nothing behind a symlink', () => {
    mkdirSync(at('tree/a/b/c'), { recursive: true })
    mkdirSync(at('keep'))
    writeFileSync(at('keep/file'), '')
    symlinkSync(at('keep'), at('tree/a/link'))
    for (let i = 0; i < 300; i++) writeFileSync(at(`tree/a/file${i}`), '')
    expect(run({ op: 'removeTree', path: at('tree') })).toMatchObject(fine)
    expect(existsSync(at('tree'))).toBe(false)
    expect(existsSync(at('keep/file'))).toBe(true)
    symlinkSync(at('keep'), at('alias'))
    expect(run({ op: 'removeTree', path: at('alias') })).toMatchObject(fine)
    expect(existsSync(at('keep/file'))).toBe(true)
    expect(existsSync(at('alias'))).toBe(false)
    expect(run({ op: 'removeTree', path: at('none/none') })).toMatchObject(fine)
    expect(run({ op: 'removeTree', path: `${dir}/..` })).toMatchObject({ errno: EINVAL })
  })

  it('listen on a socket that only its owner can reach, however long the path', () => {
    const deep = 'd'.repeat(120)
    const result = run(
      { op: 'mkdir', path: at(deep), mode: 0o700, to: 4 },
      { op: 'listen', to: 2, dir: 4, path: 'start.sock' },
      { op: 'listen', to: 3, dir: 4, path: 'start.sock' },
    )
    expect(result).toMatchObject({ errno: constants.errno.EADDRINUSE, syscall: 'bind', step: 2 })
    expect(lstatSync(at(`${deep}/start.sock`)).isSocket()).toBe(true)
    expect(mode(`${deep}/start.sock`)).toBe(0o600)
  })

  it('wait for a lock, but not longer than they may', () => {
    writeFileSync(at('lock'), '')
    const open = (to: number): Step => ({ op: 'open', to, path: at('lock'), flags: 2 })
    const begin = Date.now()
    const result = run(open(1), open(2), { op: 'lock', slot: 1 }, { op: 'lock', slot: 2, timeoutMs: 150 })
    expect(result).toMatchObject({ errno: EAGAIN, syscall: 'flock', step: 3 })
    expect(Date.now() - begin).toBeGreaterThanOrEqual(150)
    expect(run(open(1), { op: 'lock', slot: 1 })).toMatchObject(fine)
  })
})

describe('hooks', () => {
  const sh = (script: string, more: object = {}): Step => ({
    op: 'hook',
    path: '/bin/sh',
    args: ['hook', '-c', script],
    env: [`OUT=${at('out')}`],
    ...more,
  })
  const out = (): string => readFileSync(at('out'), 'utf8')

  it('get their environment, and the state with a pid on standard input', () => {
    const stdin = { stdinHead: text('{"pid":'), stdinTail: text('}') }
    expect(run(sh('/usr/bin/env > $OUT; /bin/cat >> $OUT', stdin))).toMatchObject(fine)
    expect(out()).toMatch(/^OUT=/m)
    expect(out()).toMatch(/\{"pid":\d+\}$/)
    expect(run(sh('/bin/cat > $OUT', { stdinHead: text('head') }))).toMatchObject(fine)
    expect(out()).toBe('head')
  })

  it('may leave a large input unread', () => {
    const stdinHead = new Uint8Array(1 << 20).fill(120)
    expect(run(sh('exit 0', { stdinHead }))).toMatchObject(fine)
    expect(run(sh('/usr/bin/wc -c > $OUT', { stdinHead }))).toMatchObject(fine)
    expect(out().trim()).toBe(String(1 << 20))
  })

  it('have standard streams and nothing else open, no signal blocked or ignored, a group of their own', () => {
    const script = `
      /bin/ls /proc/self/fd > $OUT
      /bin/grep -E "^(SigBlk|SigIgn)" /proc/self/status >> $OUT
      /usr/bin/cut -d" " -f1,5 /proc/$$/stat >> $OUT`
    expect(run(sh(script))).toMatchObject(fine)
    const [fds, masks, ids] = [
      out().match(/^\d+$/gm),
      out().match(/^Sig\w+:\s+(\w+)$/gm),
      out().match(/^(\d+) (\d+)$/m),
    ]
    // ls itself opens the directory.
    expect(fds).toEqual(['0', '1', '2', '3'])
    expect(masks?.every((line) => /0{16}$/.test(line))).toBe(true)
    expect(ids?.[1]).toBe(ids?.[2])
  })

  it('fail with the end of what they said', () => {
    const result = run(sh('echo one; echo two >&2; exit 7'))
    expect(result).toMatchObject({ errno: ECHILD, text: 'the hook ended with exit code 7: one\ntwo' })
    expect(run(sh('kill -TERM $$'))).toMatchObject({ errno: ECHILD, text: 'the hook was ended by signal 15' })
    const long = run(sh('for i in $(/usr/bin/seq 1 3000); do echo line$i; done; exit 1'))
    expect(long.text.length).toBeLessThan(4200)
    expect(long.text).toMatch(/line2999\nline3000$/)
    const missing: Step = { op: 'hook', path: at('none'), args: ['x'], env: [] }
    expect(run(missing)).toMatchObject({ errno: ENOENT, syscall: 'execve', text: at('none') })
  })

  it('are killed with what they started when their time is over', async () => {
    const result = run(sh('/bin/sleep 30 & echo $! > $OUT; echo waiting; wait', { timeoutMs: 400 }))
    expect(result).toMatchObject({ errno: ETIMEDOUT })
    expect(result.text).toBe('the hook was killed after 400 ms: waiting')
    // Long before the 30 seconds are over.
    await expect.poll(() => stateOf(out().trim())).toMatch(/^[ZX]$|gone/)
  })

  it('do not wait for what a hook leaves running', () => {
    expect(run(sh('/bin/sleep 1000 & echo $! > $OUT; exit 0'))).toMatchObject(fine)
    expect(stateOf(out().trim())).toMatch(/^[SRD]$/)
    process.kill(Number(out()), 'SIGKILL')
  })
})

describe('cgroup steps on what is no cgroup', () => {
  it('take an absent one as removed and as empty', () => {
    expect(run({ op: 'removeCgroup', path: at('none') })).toMatchObject(fine)
    expect(run({ op: 'checkCgroupEmpty', path: at('none') })).toMatchObject(fine)
    expect(run({ op: 'killCgroup', path: at('none'), signal: 9 })).toMatchObject({ errno: ENOENT })
  })

  it('see processes, in those below too, and a frozen state', () => {
    mkdirSync(at('cg/below'), { recursive: true })
    writeFileSync(at('cg/cgroup.procs'), '')
    writeFileSync(at('cg/below/cgroup.procs'), '')
    writeFileSync(at('cg/freezer.state'), 'THAWED\n')
    const check: Step = { op: 'checkCgroupEmpty', path: at('cg'), v1: true }
    expect(run(check)).toMatchObject(fine)
    writeFileSync(at('cg/freezer.state'), 'FROZEN\n')
    expect(run(check)).toMatchObject({ errno: EAGAIN })
    writeFileSync(at('cg/below/cgroup.procs'), '12\n')
    expect(run(check)).toMatchObject({ errno: constants.errno.EBUSY })
  })

  it('give up freezing in time and undo it', () => {
    mkdirSync(at('cg'))
    writeFileSync(at('cg/cgroup.freeze'), '0')
    writeFileSync(at('cg/cgroup.events'), 'populated 1\nfrozen 0\n')
    const freeze: Step = { op: 'freezeCgroup', path: at('cg'), frozen: true, timeoutMs: 60 }
    expect(run(freeze)).toMatchObject({ errno: ETIMEDOUT })
    expect(readFileSync(at('cg/cgroup.freeze'), 'utf8')).toBe('0')
    writeFileSync(at('cg/cgroup.events'), 'populated 1\nfrozen 1\n')
    expect(run(freeze)).toMatchObject(fine)
    expect(readFileSync(at('cg/cgroup.freeze'), 'utf8')).toBe('1')
  })
})
