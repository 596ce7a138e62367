import { describe, expect, test } from 'vitest'
import { planSeccomp, seccompCacheKey } from '../../../lib/plan/seccomp.ts'
import { SECCOMP_ARCHS } from '../../../lib/plan/seccomp-names.ts'
import type { Seccomp, SeccompAction, SeccompFlag } from '../../../types/index.ts'

const profile = (more: Partial<Seccomp> = {}): Seccomp => ({ defaultAction: 'SCMP_ACT_ERRNO', ...more })
const word = (defaultAction: SeccompAction, defaultErrnoRet?: number) =>
  planSeccomp(profile({ defaultAction, ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }) }))
    .profile.defaultAction

describe('seccomp', () => {
  test('actions', () => {
    expect(word('SCMP_ACT_KILL')).toBe(0)
    expect(word('SCMP_ACT_KILL_THREAD')).toBe(0)
    expect(word('SCMP_ACT_KILL_PROCESS')).toBe(0x8000_0000)
    expect(word('SCMP_ACT_TRAP')).toBe(0x0003_0000)
    expect(word('SCMP_ACT_ERRNO')).toBe(0x0005_0001)
    expect(word('SCMP_ACT_ERRNO', 38)).toBe(0x0005_0026)
    expect(word('SCMP_ACT_ERRNO', 0)).toBe(0x0005_0000)
    expect(word('SCMP_ACT_TRACE')).toBe(0x7ff0_0001)
    expect(word('SCMP_ACT_TRACE', 9)).toBe(0x7ff0_0009)
    expect(word('SCMP_ACT_ALLOW')).toBe(0x7fff_0000)
    expect(word('SCMP_ACT_LOG')).toBe(0x7ffc_0000)
  })

  test('notify is refused, by name', () => {
    const syscalls = [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' as const }]
    expect(() => planSeccomp(profile({ syscalls }))).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_UNSUPPORTED', path: '/linux/seccomp/syscalls/0/action' }),
    )
    expect(() => word('SCMP_ACT_NOTIFY')).toThrow(
      expect.objectContaining({ path: '/linux/seccomp/defaultAction' }),
    )
  })

  test('operators: a mask is the first datum, its value the second', () => {
    const args = (['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const).map((op, i) => ({
      index: i % 6,
      value: i === 0 ? 0xffff_ffff_ffff_ffffn : i,
      valueTwo: 7,
      op: `SCMP_CMP_${op}` as const,
    }))
    const { rules } = planSeccomp(
      profile({ syscalls: [{ names: ['a'], action: 'SCMP_ACT_ALLOW', args: args.slice(0, 6) }] }),
    ).profile
    expect(rules).toEqual([
      {
        name: 'a',
        action: 0x7fff_0000,
        args: [
          [0, 1, 0xffff_ffff_ffff_ffffn, 7n],
          [1, 2, 1n, 7n],
          [2, 3, 2n, 7n],
          [3, 4, 3n, 7n],
          [4, 5, 4n, 7n],
          [5, 6, 5n, 7n],
        ],
      },
    ])
    const masked = planSeccomp(
      profile({ syscalls: [{ names: ['a'], action: 'SCMP_ACT_ALLOW', args: args.slice(6) }] }),
    ).profile
    expect(masked.rules[0]?.args).toEqual([[0, 7, 6n, 7n]])
  })

  test('two comparisons of one argument are alternatives, for each name', () => {
    const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' as const })
    const syscalls = [
      { names: ['a', 'b'], action: 'SCMP_ACT_ALLOW' as const, args: [eq(0, 1), eq(0, 2), eq(1, 3)] },
    ]
    const { rules } = planSeccomp(profile({ syscalls })).profile
    expect(rules.map(({ name, args }) => [name, args.map(([index, , value]) => [index, value])])).toEqual([
      ['a', [[0, 1n]]],
      ['a', [[0, 2n]]],
      ['a', [[1, 3n]]],
      ['b', [[0, 1n]]],
      ['b', [[0, 2n]]],
      ['b', [[1, 3n]]],
    ])
  })

  test('rules that do what the default does are left out', () => {
    const syscalls = [
      { names: ['a'], action: 'SCMP_ACT_ERRNO' as const },
      { names: ['b'], action: 'SCMP_ACT_ERRNO' as const, errnoRet: 1 },
      { names: ['c'], action: 'SCMP_ACT_ERRNO' as const, errnoRet: 2 },
    ]
    expect(planSeccomp(profile({ syscalls })).profile.rules.map(({ name }) => name)).toEqual(['c'])
  })

  test('flags: none given is SPEC_ALLOW, an empty list is none', () => {
    const flags = (list?: SeccompFlag[] | null) => planSeccomp({ ...profile(), flags: list } as Seccomp).flags
    expect(flags()).toBe(4)
    expect(flags(null)).toBe(4)
    expect(flags([])).toBe(0)
    expect(
      flags(['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']),
    ).toBe(7)
    expect(planSeccomp(profile({ flags: ['SECCOMP_FILTER_FLAG_LOG'] })).profile.log).toBe(true)
    // Only with a listener does the kernel take it.
    expect(flags(['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'])).toBe(0)
  })

  test('architectures: the tokens of libseccomp, each once', () => {
    expect(Object.keys(SECCOMP_ARCHS)).toHaveLength(23)
    expect(new Set(Object.values(SECCOMP_ARCHS)).size).toBe(23)
    const { architectures } = planSeccomp(
      profile({
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
      }),
    ).profile
    expect(architectures).toEqual([0xc000_003e, 0x4000_003e, 0xc000_00b7])
  })

  test('new system calls get ENOSYS, but where the default lets them through or says so itself', () => {
    const enosys = (more: Partial<Seccomp>) => planSeccomp(profile(more)).profile.enosys
    expect(enosys({})).toBe(true)
    expect(enosys({ defaultAction: 'SCMP_ACT_KILL' })).toBe(true)
    expect(enosys({ defaultErrnoRet: 38 })).toBe(false)
    for (const defaultAction of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const) {
      expect(enosys({ defaultAction }), defaultAction).toBe(false)
    }
  })

  test('wrong names are errors with a place', () => {
    const wrong = { ...profile(), architectures: ['SCMP_ARCH_Z80'] } as unknown as Seccomp
    expect(() => planSeccomp(wrong)).toThrow(
      expect.objectContaining({ path: '/linux/seccomp/architectures/0' }),
    )
  })

  test('the key of the cache tells filters apart, and versions of libseccomp', () => {
    const rule = (value: number | bigint) => [
      {
        names: ['a'],
        action: 'SCMP_ACT_ALLOW' as const,
        args: [{ index: 0, value, op: 'SCMP_CMP_EQ' as const }],
      },
    ]
    const key = (value: number | bigint, version = '2.5.4') =>
      seccompCacheKey(planSeccomp(profile({ syscalls: rule(value) })), version)
    expect(key(1)).toBe(key(1n))
    expect(key(1)).not.toBe(key(2))
    expect(key(2n ** 63n)).not.toBe(key(2n ** 63n + 1n))
    expect(key(1)).not.toBe(key(1, '2.6.0'))
  })
})
