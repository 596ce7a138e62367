import { ACCESS, type ExactRule } from './device-rules.ts'

/**
 * Device rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE. It is given `struct bpf_cgroup_dev_ctx` (u32 access and
 * type, u32 major, u32 minor) in r1 and answers 1 (allow) or 0 in r0.
 */

const OP = {
  /** dst = *(u32 *)(src + off) */
  load: 0x61,
  /** 32-bit arithmetic with a constant: the upper half of dst becomes 0. */
  and: 0x54,
  shiftRight: 0x74,
  move: 0xb4,
  /** dst = src, 32 bits */
  moveRegister: 0xbc,
  /** 32-bit comparisons with a constant, then a jump by off instructions. */
  jumpIfEqual: 0x16,
  jumpIfNotEqual: 0x56,
  exit: 0x95,
} as const

const BLOCK = 1
const CHARACTER = 2
const EVERYTHING = ACCESS.mknod | ACCESS.read | ACCESS.write

/** Registers: the verdict, the context, then what is read from it. */
const R = { verdict: 0, context: 1, type: 2, access: 3, major: 4, minor: 5 } as const

interface Instruction {
  op: number
  dst?: number
  src?: number
  offset?: number
  value?: number
  /** Jumps to the end of the block. */
  toNext?: true
}

/**
 * Compiles rules, of which for each kind of access the last that matches decides, and denial where none does.
 *
 * The rules are tried from the last to the first. A denial that has any of the wanted access ends it; a permission takes
 * its access out of what is still wanted, and once nothing is left the answer is yes.
 *
 * @returns instructions of 8 bytes each, little-endian as both architectures are
 */
export function deviceProgram(rules: readonly ExactRule[]): Uint8Array {
  const program: Instruction[] = [
    { op: OP.load, dst: R.type, src: R.context, offset: 0 },
    { op: OP.moveRegister, dst: R.access, src: R.type },
    { op: OP.and, dst: R.type, value: 0xffff },
    { op: OP.shiftRight, dst: R.access, value: 16 },
    { op: OP.load, dst: R.major, src: R.context, offset: 4 },
    { op: OP.load, dst: R.minor, src: R.context, offset: 8 },
  ]
  for (const rule of rules.toReversed()) {
    const block = ruleBlock(rule)
    program.push(...block)
    // The kernel refuses programs with instructions that nothing leads to.
    if (!block.some(({ toNext }) => toNext)) return encode(program)
  }
  program.push(...answer(0))
  return encode(program)
}

function answer(value: 0 | 1): Instruction[] {
  return [{ op: OP.move, dst: R.verdict, value }, { op: OP.exit }]
}

function ruleBlock({ allow, type, major, minor, access }: ExactRule): Instruction[] {
  const block: Instruction[] = []
  const only = (register: number, value: number | null) => {
    if (value !== null) block.push({ op: OP.jumpIfNotEqual, dst: register, value, toNext: true })
  }
  only(R.type, type === null ? null : type === 'c' ? CHARACTER : BLOCK)
  only(R.major, major)
  only(R.minor, minor)
  if (access !== EVERYTHING && allow) {
    block.push({ op: OP.and, dst: R.access, value: EVERYTHING & ~access })
    block.push({ op: OP.jumpIfNotEqual, dst: R.access, value: 0, toNext: true })
  } else if (access !== EVERYTHING) {
    block.push({ op: OP.moveRegister, dst: R.verdict, src: R.access })
    block.push({ op: OP.and, dst: R.verdict, value: access })
    block.push({ op: OP.jumpIfEqual, dst: R.verdict, value: 0, toNext: true })
  }
  block.push(...answer(allow ? 1 : 0))
  return block.map((instruction, index) =>
    instruction.toNext ? { ...instruction, offset: block.length - index - 1 } : instruction,
  )
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [index, { op, dst = 0, src = 0, offset = 0, value = 0 }] of program.entries()) {
    const at = index * 8
    view.setUint8(at, op)
    view.setUint8(at + 1, (src << 4) | dst)
    view.setInt16(at + 2, offset, true)
    view.setInt32(at + 4, value | 0, true)
  }
  return bytes
}
