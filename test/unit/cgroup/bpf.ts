import type { DeviceRequest } from '../../../lib/cgroup/device-rules.ts'

/**
 * Runs a cgroup device program as the kernel would: the subset of BPF that such programs may need, written from the
 * instruction set's description, with registers of 64 bits and a context of three words.
 *
 * @returns r0 at the exit
 * @throws for an instruction, a register or a read that the kernel would refuse
 */
export function runDeviceProgram(program: Uint8Array, { type, major, minor, access }: DeviceRequest): number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const context = [(access << 16) | (type === 'c' ? 2 : 1), major, minor]
  const CONTEXT = Symbol('context')
  const registers: (bigint | typeof CONTEXT | undefined)[] = new Array(11).fill(undefined)
  registers[1] = CONTEXT
  const value = (index: number): bigint => {
    const found = registers[index]
    if (typeof found !== 'bigint') throw new Error(`r${index} is no number`)
    return found
  }
  const word = (number: bigint) => BigInt.asUintN(32, number)
  for (let at = 0, count = 0; count < 100_000; at++, count++) {
    if (at < 0 || at * 8 >= code.byteLength) throw new Error(`instruction ${at} is outside`)
    const op = code.getUint8(at * 8)
    const dst = code.getUint8(at * 8 + 1) & 15
    const src = code.getUint8(at * 8 + 1) >> 4
    const offset = code.getInt16(at * 8 + 2, true)
    const constant = BigInt(code.getInt32(at * 8 + 4, true))
    const operand = () => (op & 8 ? value(src) : constant)
    switch (op & 7) {
      case 1: {
        // LDX, 32 bits, from memory.
        if (op !== 0x61 || registers[src] !== CONTEXT) throw new Error(`load ${op} from r${src}`)
        const found = context[offset / 4]
        if (found === undefined) throw new Error(`offset ${offset} of the context`)
        registers[dst] = BigInt(found >>> 0)
        break
      }
      case 4: {
        // 32-bit arithmetic: the upper half of the result is 0.
        const by = word(operand())
        switch (op & 0xf0) {
          case 0x50:
            registers[dst] = word(value(dst)) & by
            break
          case 0x70:
            registers[dst] = word(value(dst)) >> by
            break
          case 0xb0:
            registers[dst] = by
            break
          default:
            throw new Error(`arithmetic ${op}`)
        }
        break
      }
      case 5:
        if (op !== 0x95) throw new Error(`jump ${op}`)
        return Number(value(0))
      case 6: {
        // 32-bit comparisons.
        const [a, b] = [word(value(dst)), word(operand())]
        const kind = op & 0xf0
        if (kind !== 0x10 && kind !== 0x50) throw new Error(`comparison ${op}`)
        if ((a === b) === (kind === 0x10)) at += offset
        break
      }
      default:
        throw new Error(`instruction ${op}`)
    }
  }
  throw new Error('does not end')
}
