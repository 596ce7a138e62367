import { describe, expect, it } from 'vitest'
import { isOciError, type OciError } from '../../../lib/errors.ts'
import { fnv1a32, stepTableText } from '../../../lib/plan/abi.ts'
import { encodePlan, planAbi } from '../../../lib/plan/encode.ts'
import { decodeMessage, encodeMessage } from '../../../lib/plan/message-codec.ts'
import { type Plan, STEPS } from '../../../lib/plan/steps.ts'
import { SYSCALLS } from '../../../lib/plan/syscalls.ts'

/** A reader written from the format's description alone. */
class Reader {
  readonly view: DataView
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  u32 = (at: number) => this.view.getUint32(at, true)
  u16 = (at: number) => this.view.getUint16(at, true)
  records(): number[] {
    const offsets: number[] = []
    for (let at = 32; at < this.bytes.length; at += this.u32(at)) offsets.push(at)
    return offsets
  }
  word = (record: number, field: number) => this.view.getBigUint64(record + 16 + field * 8, true)
  text(record: number, at: number): string {
    const offset = record + this.u32(at)
    const length = this.u32(at + 4)
    expect(this.bytes[offset + length]).toBe(0)
    return Buffer.from(this.bytes.subarray(offset, offset + length)).toString()
  }
  str = (record: number, field: number) => this.text(record, record + 16 + field * 8)
  strs(record: number, field: number): string[] {
    const at = record + 16 + field * 8
    const offset = record + this.u32(at)
    return Array.from({ length: this.u32(at + 4) }, (_, i) => this.text(record, offset + i * 8))
  }
}

const refusal = (steps: unknown[]): OciError => {
  try {
    encodePlan(steps as unknown as Plan)
  } catch (error) {
    if (isOciError(error)) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('the binary form of a plan', () => {
  it('has the header of the format', () => {
    const reader = new Reader(encodePlan([{ op: 'nop' }, { op: 'setsid' }], { trace: true }))
    expect(reader.u32(0)).toBe(0x5049434f)
    expect(reader.u32(4)).toBe(planAbi())
    expect(reader.u32(8)).toBe(reader.bytes.length)
    expect(reader.u32(12)).toBe(2)
    expect(reader.u32(16)).toBe(1)
    expect(reader.records().map((at) => reader.u16(at + 4))).toEqual([STEPS.nop.op, STEPS.setsid.op])
    expect(new Reader(encodePlan([])).u32(16)).toBe(0)
  })

  it('keeps strings, lists and bytes, and tells empty from absent', () => {
    const args = ['sh', '-c', '', 'échö 漢字 😀', 'x'.repeat(70_000)]
    const reader = new Reader(
      encodePlan([
        { op: 'exec', args, env: [] },
        { op: 'write', path: '', data: new Uint8Array(0) },
        { op: 'hook', path: '/h', args: ['h'], env: [], stdinHead: new Uint8Array([1, 2, 3]) },
      ]),
    )
    const [exec, write, hook] = reader.records() as [number, number, number]
    expect(reader.strs(exec, 0)).toEqual(args)
    expect(reader.word(exec, 1)).toBe(0n)
    expect(reader.word(write, 0)).toBe(0xffff_ffffn)
    expect(reader.word(write, 1)).not.toBe(0n)
    expect(reader.str(write, 1)).toBe('')
    expect(reader.word(write, 2) & 0xffff_ffffn).not.toBe(0n)
    expect(reader.word(write, 2) >> 32n).toBe(0n)
    expect(reader.word(hook, 3) >> 32n).toBe(3n)
    expect(reader.word(hook, 4)).toBe(0n)
  })

  it('aligns every record and keeps every reference inside its own', () => {
    const steps: Plan = Array.from({ length: 300 }, (_, i) => ({
      op: 'symlink',
      path: 'p'.repeat(i),
      target: 't'.repeat((i * 7) % 61),
    }))
    const reader = new Reader(encodePlan(steps))
    const records = reader.records()
    expect(records).toHaveLength(300)
    records.forEach((at, i) => {
      expect(at % 8).toBe(0)
      expect(reader.str(at, 1)).toBe('p'.repeat(i))
      expect(reader.str(at, 2)).toBe('t'.repeat((i * 7) % 61))
    })
  })

  it.each([
    [0, 0n],
    [1, 1n],
    [2 ** 32, 2n ** 32n],
    [Number.MAX_SAFE_INTEGER, 2n ** 53n - 1n],
    [2n ** 64n - 1n, 2n ** 64n - 1n],
    [12345678901234567890n, 12345678901234567890n],
  ])('writes the unsigned %s', (value, word) => {
    const reader = new Reader(encodePlan([{ op: 'rlimit', resource: 7, soft: value, hard: value }]))
    expect(reader.word(32, 1)).toBe(word)
    expect(reader.word(32, 2)).toBe(word)
  })

  it.each([-1, -1000, 1000, -(2 ** 32), -(2 ** 53) + 1, -(2n ** 63n), 2n ** 63n - 1n])(
    'writes the signed %s as two’s complement',
    (value) => {
      const reader = new Reader(encodePlan([{ op: 'oomScoreAdj', value }]))
      expect(BigInt.asIntN(64, reader.word(32, 1))).toBe(BigInt(value))
    },
  )

  it('writes what a step may carry besides its fields', () => {
    const reader = new Reader(
      encodePlan([{ op: 'nop', ignore: [2, 17, 30], orElse: true, from: '/mounts/1' }, { op: 'nop' }]),
    )
    const [first, second] = reader.records() as [number, number]
    expect([0, 1, 2, 3].map((i) => reader.u16(first + 8 + i * 2))).toEqual([2, 17, 30, 0])
    expect(reader.u16(first + 6)).toBe(1)
    expect(reader.u16(second + 6)).toBe(0)
    expect(reader.u16(second + 8)).toBe(0)
  })

  it('takes a field that is undefined as absent', () => {
    expect(encodePlan([{ op: 'chdir', path: '/', create: undefined }])).toEqual(
      encodePlan([{ op: 'chdir', path: '/' }]),
    )
  })
})

describe('what is refused', () => {
  const cases: [string, unknown, string][] = [
    ['an unknown operation', { op: 'mountAll' }, 'step 1 (mountAll): there is no such operation'],
    ['an operation that every object has', { op: 'toString' }, 'there is no such operation'],
    ['no step', null, 'there is no such operation'],
    ['an unknown field', { op: 'nop', path: '/' }, 'step 1 (nop), field path: the step has no such field'],
    ['a missing field', { op: 'chdir' }, 'step 1 (chdir), field path: is missing'],
    ['a number for a string', { op: 'chdir', path: 7 }, 'wants a string'],
    ['a string for a number', { op: 'umask', mask: '18' }, 'wants an integer'],
    ['a fraction', { op: 'umask', mask: 1.5 }, 'is no integer'],
    ['a number that lost digits', { op: 'umask', mask: 2 ** 53 }, 'is no integer'],
    ['a negative unsigned', { op: 'umask', mask: -1 }, 'is negative'],
    ['a large unsigned', { op: 'umask', mask: 2n ** 64n }, 'does not fit'],
    ['a negative unsigned bigint', { op: 'umask', mask: -1n }, 'does not fit'],
    ['a large signed', { op: 'oomScoreAdj', value: 2n ** 63n }, 'does not fit'],
    ['a number for a boolean', { op: 'dumpable', on: 1 }, 'wants true or false'],
    ['a slot out of range', { op: 'close', slot: 1024 }, '1024 is no slot'],
    ['a negative slot', { op: 'close', slot: -1 }, '-1 is no slot'],
    ['an array for bytes', { op: 'seccomp', flags: 0, filter: [1] }, 'wants bytes'],
    ['a string for a list', { op: 'exec', args: 'sh', env: [] }, 'wants a list'],
    ['a number in a list of strings', { op: 'exec', args: [1], env: [] }, 'wants a string'],
    ['five errno values', { op: 'nop', ignore: [1, 2, 3, 4, 5] }, 'at most 4'],
    ['an errno of 0', { op: 'nop', ignore: [0] }, 'is no errno'],
    ['a number as orElse', { op: 'nop', orElse: 1 }, 'wants true or false'],
  ]
  it.each(cases)('%s', (_, step, text) => {
    const error = refusal([{ op: 'nop' }, step])
    expect(error.code).toBe('ERR_OCI_INTERNAL')
    expect(error.message).toContain(text)
  })

  it.each([
    ['a NUL in a string', { op: 'hostname', name: 'a\0b', from: '/hostname' }, 'NUL'],
    ['a NUL in a list', { op: 'exec', args: ['sh', '\0'], env: [], from: '/hostname' }, 'NUL'],
    ['half a surrogate pair', { op: 'hostname', name: 'a\ud800', from: '/hostname' }, 'surrogate'],
  ])('%s, as the fault of the config', (_, step, text) => {
    const error = refusal([step])
    expect(error).toMatchObject({ code: 'ERR_OCI_CONFIG_INVALID', path: '/hostname' })
    expect(error.message).toContain(text)
  })

  it('a plan that is too large', () => {
    const data = new Uint8Array(33 * 1024 * 1024)
    const step = { op: 'write', path: '/x', data }
    expect(refusal([step, step]).message).toContain('larger than')
  })
})

describe('the step table', () => {
  it('has a number of its own for each step', () => {
    const ops = Object.values(STEPS).map(({ op }) => op)
    expect(new Set(ops).size).toBe(ops.length)
    for (const op of ops) expect(op).toBeGreaterThan(0)
    for (const op of ops) expect(op).toBeLessThan(0x1_0000)
  })

  it('is hashed by FNV-1a', () => {
    // Test vectors of the algorithm's authors.
    expect(fnv1a32('')).toBe(0x811c9dc5)
    expect(fnv1a32('a')).toBe(0xe40c292c)
    expect(fnv1a32('foobar')).toBe(0xbf9cf968)
    expect(planAbi()).toBe(fnv1a32(stepTableText()))
    expect(stepTableText()).toContain('\n71 noNewPrivs()\n72 rlimit(resource:u64,soft:u64,')
  })

  it('lists each call once, none first', () => {
    expect(SYSCALLS[0]).toBe('')
    expect(new Set(SYSCALLS).size).toBe(SYSCALLS.length)
  })
})

describe('messages', () => {
  it('survive both ways', () => {
    const message = {
      kind: 'error',
      step: 12,
      part: 1,
      errno: 13,
      syscall: 'openat2',
      value: 2 ** 40,
      text: 'größer',
    } as const
    expect(decodeMessage(encodeMessage(message))).toEqual(message)
    expect(encodeMessage({ kind: 'go' })).toHaveLength(32)
    expect(decodeMessage(encodeMessage({ kind: 'go' }))).toMatchObject({ kind: 'go', step: 0, text: '' })
  })

  it('of another form are refused', () => {
    const good = encodeMessage({ kind: 'warning', text: 'x' })
    const unknown = good.slice()
    unknown[0] = 99
    for (const bad of [good.subarray(0, 31), good.subarray(0, 32), Buffer.concat([good, good]), unknown]) {
      expect(() => decodeMessage(bad)).toThrow('malformed')
    }
  })
})
