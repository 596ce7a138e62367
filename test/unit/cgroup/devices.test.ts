import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deviceProgram } from '../../../lib/cgroup/device-program.ts'
import {
  ACCESS,
  allows,
  type DeviceRequest,
  deviceList,
  deviceText,
  type ExactRule,
  exactRules,
} from '../../../lib/cgroup/device-rules.ts'
import type { DeviceRule } from '../../../types/index.ts'
import { runDeviceProgram } from './bpf.ts'

const RWM = 7
const NULL = { type: 'c', major: 1, minor: 3 } as const
const KVM = { type: 'c', major: 10, minor: 232 } as const
const DISK = { type: 'b', major: 8, minor: 0 } as const

const accessText = fc.subarray(['r', 'w', 'm'], { minLength: 1 }).map((letters) => letters.join(''))
const rule: fc.Arbitrary<DeviceRule> = fc.record(
  {
    allow: fc.boolean(),
    type: fc.constantFrom('a', 'b', 'c'),
    major: fc.constantFrom(-1, 0, 1, 8, 10, 0xffff_ffff),
    minor: fc.constantFrom(-1, 0, 3, 232, 0x8000_0000),
    access: accessText,
  },
  { requiredKeys: ['allow'] },
)
const request: fc.Arbitrary<DeviceRequest> = fc.record({
  type: fc.constantFrom('b', 'c'),
  major: fc.constantFrom(0, 1, 5, 8, 10, 136, 0xffff_ffff),
  minor: fc.constantFrom(0, 3, 200, 232, 0x8000_0000),
  access: fc.integer({ min: 1, max: RWM }),
})

/** What the kernel's v1 devices cgroup answers: one exception must cover all that is wanted. */
function listAllows(
  { allowByDefault, exceptions }: ReturnType<typeof deviceList>,
  wanted: DeviceRequest,
): boolean {
  const same = ({ type, major, minor }: ExactRule) =>
    type === wanted.type &&
    (major ?? wanted.major) === wanted.major &&
    (minor ?? wanted.minor) === wanted.minor
  return allowByDefault
    ? !exceptions.some((exception) => same(exception) && (exception.access & wanted.access) !== 0)
    : exceptions.some((exception) => same(exception) && (wanted.access & ~exception.access) === 0)
}

describe('exactRules', () => {
  test('the defaults come last and can’t be denied', () => {
    const rules = exactRules([{ allow: false }, { allow: false, type: 'c', major: 1, minor: 3 }])
    expect(allows(rules, { ...NULL, access: RWM })).toBe(true)
    expect(allows(rules, { type: 'c', major: 10, minor: 200, access: RWM })).toBe(true)
    expect(allows(rules, { type: 'c', major: 136, minor: 99, access: RWM })).toBe(true)
    expect(allows(rules, { ...DISK, access: ACCESS.mknod })).toBe(true)
    expect(allows(rules, { ...DISK, access: ACCESS.read })).toBe(false)
    expect(allows(rules, { ...KVM, access: ACCESS.write })).toBe(false)
  })

  test('without rules: the defaults alone', () => {
    expect(exactRules(undefined)).toEqual(exactRules([]))
    expect(allows(exactRules(undefined), { ...DISK, access: ACCESS.read })).toBe(false)
  })

  test('what is left out is any', () => {
    expect(exactRules([{ allow: true }])[0]).toMatchObject({
      type: null,
      major: null,
      minor: null,
      access: RWM,
    })
    const rules = exactRules([{ allow: true, major: 8, access: 'r' }])
    expect(allows(rules, { type: 'b', major: 8, minor: 5, access: ACCESS.read })).toBe(true)
    expect(allows(rules, { type: 'c', major: 8, minor: 5, access: ACCESS.read })).toBe(true)
    // Not everything, though the type is "all".
    expect(allows(rules, { ...KVM, access: ACCESS.read })).toBe(false)
  })

  test.each<[DeviceRule, string]>([
    [{ allow: true, type: 'p' }, '/linux/resources/devices/0/type'],
    [{ allow: true, access: '' }, '/linux/resources/devices/0/access'],
    [{ allow: true, access: 'rx' }, '/linux/resources/devices/0/access'],
    [{ allow: true, major: -2 }, '/linux/resources/devices/0/major'],
    [{ allow: true, minor: 2 ** 32 }, '/linux/resources/devices/0/minor'],
  ])('%o is refused', (bad, path) => {
    expect(() => exactRules([bad])).toThrow(expect.objectContaining({ code: 'ERR_OCI_CONFIG_INVALID', path }))
  })
})

describe('allows', () => {
  test('each kind of access by the last rule that speaks of it', () => {
    const rules = exactRules([
      { allow: true, type: 'b', major: 8, minor: 0, access: 'rw' },
      { allow: false, type: 'b', major: 8, access: 'w' },
    ])
    expect(allows(rules, { ...DISK, access: ACCESS.read })).toBe(true)
    expect(allows(rules, { ...DISK, access: ACCESS.write })).toBe(false)
    expect(allows(rules, { ...DISK, access: ACCESS.read | ACCESS.write })).toBe(false)
    expect(allows(rules, { ...DISK, access: ACCESS.read | ACCESS.mknod })).toBe(true)
  })
})

describe('deviceProgram', () => {
  test('answers as the rules do, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 12 }),
        fc.array(request, { minLength: 8 }),
        (rules, requests) => {
          const exact = exactRules(rules)
          const program = deviceProgram(exact)
          for (const wanted of requests) {
            expect(runDeviceProgram(program, wanted)).toBe(allows(exact, wanted) ? 1 : 0)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('without the defaults too: nothing is allowed by no rule', () => {
    expect(runDeviceProgram(deviceProgram([]), { ...NULL, access: 1 })).toBe(0)
  })

  test('nothing after a rule for everything: the kernel refuses what can’t be reached', () => {
    const all = exactRules([{ allow: true }]).slice(0, 1)
    const program = deviceProgram([...exactRules([{ allow: true, type: 'c', major: 1 }]).slice(0, 1), ...all])
    expect(program.length / 8).toBe(6 + 2)
    expect(runDeviceProgram(program, { ...DISK, access: RWM })).toBe(1)
  })

  test('no instruction is unreachable, no jump leads out', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 12 }), (rules) => {
        const program = deviceProgram(exactRules(rules))
        const view = new DataView(program.buffer)
        const seen = new Set<number>()
        const todo = [0]
        for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
          if (seen.has(at)) continue
          expect(at * 8).toBeLessThan(program.length)
          seen.add(at)
          const op = view.getUint8(at * 8)
          if (op === 0x95) continue
          todo.push(at + 1)
          if ((op & 7) === 6) todo.push(at + 1 + view.getInt16(at * 8 + 2, true))
        }
        expect(seen.size).toBe(program.length / 8)
      }),
    )
  })

  test('the instructions of the kernel’s encoding', () => {
    const program = deviceProgram([
      { allow: true, type: 'c', major: 1, minor: 3, access: ACCESS.read, from: '' },
    ])
    expect(Buffer.from(program).toString('hex').match(/.{16}/g)).toEqual([
      '6112000000000000', // r2 = *(u32 *)(r1 + 0)
      'bc23000000000000', // w3 = w2
      '54020000ffff0000', // w2 &= 0xffff
      '7403000010000000', // w3 >>= 16
      '6114040000000000', // r4 = *(u32 *)(r1 + 4)
      '6115080000000000', // r5 = *(u32 *)(r1 + 8)
      '5602060002000000', // if w2 != 2 goto +6
      '5604050001000000', // if w4 != 1 goto +5
      '5605040003000000', // if w5 != 3 goto +4
      '5403000005000000', // w3 &= 5
      '5603020000000000', // if w3 != 0 goto +2
      'b400000001000000', // w0 = 1
      '9500000000000000', // exit
      'b400000000000000', // w0 = 0
      '9500000000000000', // exit
    ])
  })
})

describe('deviceList', () => {
  test('answers as the rules do, for each kind of access by itself; or refuses', () => {
    let refused = 0
    let made = 0
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 6 }),
        fc.array(request, { minLength: 8 }),
        (rules, requests) => {
          const exact = exactRules(rules)
          let list: ReturnType<typeof deviceList>
          try {
            list = deviceList(exact)
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_OCI_CONFIG_INVALID' })
            refused++
            return
          }
          made++
          for (const wanted of requests) {
            for (const access of [ACCESS.mknod, ACCESS.read, ACCESS.write]) {
              if ((wanted.access & access) === 0) continue
              expect(listAllows(list, { ...wanted, access })).toBe(allows(exact, { ...wanted, access }))
            }
          }
        },
      ),
      { numRuns: 1000 },
    )
    expect(Math.min(refused, made)).toBeGreaterThan(50)
  })

  test('the default spec', () => {
    const { allowByDefault, exceptions } = deviceList(exactRules([{ allow: false, access: 'rwm' }]))
    expect(allowByDefault).toBe(false)
    expect(exceptions.map(deviceText)).toEqual([
      'c *:* m',
      'b *:* m',
      'c 1:3 rwm',
      'c 1:5 rwm',
      'c 1:7 rwm',
      'c 1:8 rwm',
      'c 1:9 rwm',
      'c 5:0 rwm',
      'c 5:2 rwm',
      'c 136:* rwm',
      'c 10:200 rwm',
    ])
  })

  test('everything allowed, but for one', () => {
    const { allowByDefault, exceptions } = deviceList(
      exactRules([{ allow: true }, { allow: false, type: 'b', major: 8, access: 'w' }]),
    )
    expect(allowByDefault).toBe(true)
    expect(exceptions.map(deviceText)).toEqual(['b 8:* w'])
  })

  test('a hole in a wider rule names the rule', () => {
    const rules = exactRules([
      { allow: false },
      { allow: true, type: 'c', major: 10, access: 'rw' },
      { allow: false, type: 'c', major: 10, minor: 232, access: 'w' },
    ])
    expect(() => deviceList(rules)).toThrow(
      expect.objectContaining({
        path: '/linux/resources/devices/2',
        message: expect.stringContaining('c 10:232 w'),
      }),
    )
    // As a program the same rules are no trouble.
    expect(runDeviceProgram(deviceProgram(rules), { ...KVM, access: ACCESS.write })).toBe(0)
    expect(runDeviceProgram(deviceProgram(rules), { ...KVM, access: ACCESS.read })).toBe(1)
  })
})
