import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { type NativeSeccompProfile, native } from '../../../lib/native.ts'
import type { Step } from '../../../lib/plan/steps.ts'
import { parseProbe, probeBinary } from '../../harness/probe.ts'
import { capture, program } from './launch.ts'

const ALLOW = 0x7fff0000
const KILL_PROCESS = 0x80000000
const errnoAction = (errno: number) => 0x00050000 | errno
const EQ = 4
const MASKED_EQ = 7
const GT = 6
const { EPERM, ENOSYS, EACCES } = constants.errno

const ARCH = {
  x86_64: 0xc000003e,
  x86: 0x40000003,
  x32: 0x4000003e,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
  ppc64: 0x80000015,
}
type Arch = keyof typeof ARCH

const profile = (part: Partial<NativeSeccompProfile>): NativeSeccompProfile => ({
  defaultAction: ALLOW,
  architectures: [],
  rules: [],
  log: false,
  enosys: false,
  ...part,
})
const allow = (...names: string[]) => names.map((name) => ({ name, action: ALLOW, args: [] }))

/** Runs a classic BPF program as the kernel does, on a struct seccomp_data. */
function evaluate(filter: Uint8Array, arch: number, nr: number, args: bigint[] = []): number {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, nr, true)
  data.setUint32(4, arch, true)
  args.forEach((arg, i) => {
    data.setBigUint64(16 + i * 8, arg, true)
  })
  const program = new DataView(filter.buffer, filter.byteOffset, filter.length)
  let a = 0
  const memory = new Uint32Array(16)
  for (let pc = 0; ; pc++) {
    if (pc * 8 >= filter.length) throw new Error('ran out of the program')
    const code = program.getUint16(pc * 8, true)
    const k = program.getUint32(pc * 8 + 4, true)
    const jump = (yes: boolean) => {
      pc += program.getUint8(pc * 8 + (yes ? 2 : 3))
    }
    if (code === 0x20) a = data.getUint32(k, true)
    else if (code === 0x05) pc += k
    else if (code === 0x15) jump(a === k)
    else if (code === 0x25) jump(a > k)
    else if (code === 0x35) jump(a >= k)
    else if (code === 0x45) jump((a & k) !== 0)
    else if (code === 0x54) a = (a & k) >>> 0
    else if (code === 0x02) memory[k] = a
    else if (code === 0x60) a = memory[k] ?? 0
    else if (code === 0x06) return k
    else throw new Error(`unknown code ${code}`)
  }
}

/** The arch that the kernel shows to a filter. */
const seen = (arch: Arch) => (arch === 'x32' ? ARCH.x86_64 : ARCH[arch])

test('a rule takes effect on a real program', async () => {
  const filter = await native().seccompCompile(
    profile({ rules: ['mkdir', 'mkdirat'].map((name) => ({ name, action: errnoAction(EACCES), args: [] })) }),
  )
  const steps: Step[] = [
    { op: 'noNewPrivs' },
    { op: 'seccomp', flags: 0, filter },
    ...program('sh', '-c', 'mkdir /tmp/never 2>&1; grep ^Seccomp: /proc/self/status'),
  ]
  const { output, failure } = await capture(steps)
  expect(failure).toBeNull()
  expect(output).toMatch(/Permission denied\nSeccomp:\s+2/)
})

test('the prelude on a real program: newer calls are ENOSYS, others are what they were', async () => {
  const filter = await native().seccompCompile(
    profile({
      enosys: true,
      rules: ['chroot', 'openat2'].map((name) => ({ name, action: errnoAction(EPERM), args: [] })),
    }),
  )
  // chroot; pidfd_open, which exists and is older than openat2; faccessat2, which exists and is newer.
  const numbers = process.arch === 'x64' ? ['161', '434', '439'] : ['51', '434', '439']
  const { output, exit } = await capture([
    { op: 'noNewPrivs' },
    { op: 'seccomp', flags: 0, filter },
    ...program(
      probeBinary(),
      '--sections',
      'syscalls',
      ...numbers.flatMap((number) => ['--syscall', number]),
    ),
  ])
  expect(exit).toMatchObject({ code: 0 })
  const errors = numbers.map((number) => parseProbe(output).syscalls[number])
  expect(errors).toEqual(['EPERM', 'EINVAL', 'ENOSYS'])
})

test('comparisons: equal, masked, greater; and one argument named twice is two alternatives', async () => {
  const rule = (name: string, args: NativeSeccompProfile['rules'][0]['args']) => ({
    name,
    action: errnoAction(EACCES),
    args,
  })
  const filter = await native().seccompCompile(
    profile({
      rules: [
        rule('personality', [[0, EQ, 8n, 0n]]),
        rule('kill', [[1, GT, 0x1_0000_0000n, 0n]]),
        rule('mount', [[3, MASKED_EQ, 0xffn, 0x21n]]),
        rule('umask', [
          [0, EQ, 1n, 0n],
          [0, EQ, 2n, 0n],
        ]),
      ],
    }),
  )
  const native64 = process.arch === 'x64' ? ARCH.x86_64 : ARCH.aarch64
  const nr =
    process.arch === 'x64'
      ? { personality: 135, kill: 62, mount: 165, umask: 95 }
      : { personality: 92, kill: 129, mount: 40, umask: 166 }
  const run = (number: number, ...args: bigint[]) => evaluate(filter, native64, number, args)
  expect(run(nr.personality, 8n)).toBe(errnoAction(EACCES))
  expect(run(nr.personality, 9n)).toBe(ALLOW)
  expect(run(nr.kill, 1n, 0x1_0000_0001n)).toBe(errnoAction(EACCES))
  expect(run(nr.kill, 1n, 0x1_0000_0000n)).toBe(ALLOW)
  expect(run(nr.mount, 0n, 0n, 0n, 0x121n)).toBe(errnoAction(EACCES))
  expect(run(nr.mount, 0n, 0n, 0n, 0x20n)).toBe(ALLOW)
  for (const [mask, action] of [
    [1n, errnoAction(EACCES)],
    [2n, errnoAction(EACCES)],
    [3n, ALLOW],
  ] as const) {
    expect(run(nr.umask, mask)).toBe(action)
  }
})

// The highest of these, per architecture: openat2 is 437 everywhere (x32: with its bit; arm: 437).
const NEWEST = { x86_64: 437, x86: 437, x32: 0x40000000 + 437, aarch64: 437, arm: 437 }

test.each([
  ['native alone', ['x86_64']],
  ['x86_64 family', ['x86_64', 'x86', 'x32']],
  ['arm family', ['aarch64', 'arm']],
  ['all at once', ['x86_64', 'x86', 'x32', 'aarch64', 'arm']],
] as [string, Arch[]][])('ENOSYS prelude: %s', async (_, arches) => {
  const filter = await native().seccompCompile(
    profile({
      defaultAction: errnoAction(EPERM),
      enosys: true,
      architectures: arches.map((arch) => ARCH[arch]),
      // arm's private set_tls (0xf0005) must not count as its newest call.
      rules: allow('openat2', 'read', 'set_tls', 'no_such_call_ever'),
    }),
  )
  for (const arch of arches) {
    const newest = NEWEST[arch as keyof typeof NEWEST]
    const run = (nr: number) => evaluate(filter, seen(arch), nr)
    expect(run(newest), arch).toBe(ALLOW)
    expect(run(newest - 1), arch).toBe(errnoAction(EPERM))
    expect(run(newest + 1), arch).toBe(errnoAction(ENOSYS))
    expect(run(newest + 1000), arch).toBe(errnoAction(ENOSYS))
  }
  if (arches.includes('arm')) {
    expect(evaluate(filter, ARCH.arm, 0xf0005)).toBe(ALLOW)
    expect(evaluate(filter, ARCH.arm, 0xf0001)).toBe(errnoAction(EPERM))
    expect(evaluate(filter, ARCH.arm, 0xeffff)).toBe(errnoAction(ENOSYS))
  }
  if (arches.includes('x86_64') && !arches.includes('x32')) {
    // Left to libseccomp, which refuses an architecture that the profile does not have.
    expect(evaluate(filter, ARCH.x86_64, 0x40000000 + 1)).not.toBe(ALLOW)
  }
  expect(evaluate(filter, ARCH.ppc64, 5000)).not.toBe(errnoAction(ENOSYS))
})

test('without the prelude the default action answers', async () => {
  const filter = await native().seccompCompile(
    profile({ defaultAction: errnoAction(EPERM), rules: allow('read') }),
  )
  expect(evaluate(filter, process.arch === 'x64' ? ARCH.x86_64 : ARCH.aarch64, 1000)).toBe(errnoAction(EPERM))
})

test('a rule that repeats the default action is no error', async () => {
  const filter = await native().seccompCompile(profile({ rules: allow('read') }))
  expect(filter.length % 8).toBe(0)
  expect(evaluate(filter, process.arch === 'x64' ? ARCH.x86_64 : ARCH.aarch64, 0)).toBe(ALLOW)
})

test('what libseccomp refuses is told in words', async () => {
  const bad = native().seccompCompile(profile({ architectures: [ARCH.ppc64] }))
  await expect(bad).rejects.toThrow(/0x80000015 has another byte order/)
  await expect(native().seccompCompile(profile({ defaultAction: 0x12340000 }))).rejects.toThrow(
    /action is not known/,
  )
  expect(() => native().seccompCompile({ rules: 7 } as never)).toThrow(TypeError)
})

test('many compilations at once, each right', async () => {
  const names = 'acct bpf chroot ptrace reboot swapon mount umount2 setns unshare'.split(' ')
  const filters = await Promise.all(
    names.map((name) =>
      native().seccompCompile(profile({ rules: [{ name, action: KILL_PROCESS, args: [] }] })),
    ),
  )
  expect(new Set(filters.map((filter) => Buffer.from(filter).toString('hex'))).size).toBe(names.length)
  expect(native().seccompVersion()).toMatch(/^2\.\d+\.\d+$/)
})
