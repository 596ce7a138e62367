/**
 * Numbers of the config, which are made for cgroup v1, as cgroup v2 takes them.
 */

/**
 * `cpu.shares` (2 to 262144, default 1024) as a `cpu.weight` (1 to 10000, default 100). A quadratic function of the
 * logarithms, by which minimum, default and maximum meet: 10^((log2(s)² + 125·log2(s)) / 612 - 7/34), rounded up.
 */
export function sharesToWeight(shares: number | bigint): number {
  const value = Number(shares)
  if (value <= 2) return 1
  if (value >= 262_144) return 10_000
  const log = Math.log2(value)
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
}

/** A `blkio.weight` (10 to 1000) as an `io.weight` (1 to 10000), linearly. */
export function blkioToIoWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990)
}

/** A number of bytes as a `.max` or `.low` file takes it: -1 is `max`. */
export function bytesOrMax(value: number | bigint): string {
  return BigInt(value) === -1n ? 'max' : String(value)
}

/** Why a swap limit has no meaning on cgroup v2. */
export type SwapProblem = 'no-memory-limit' | 'below-memory-limit' | 'memory-limit-invalid'

/**
 * The config's limit of memory and swap together as `memory.swap.max`, which is swap alone.
 *
 * @param swap bytes, -1 no limit; 0 or undefined: not given
 * @param memory bytes, -1 no limit; 0 or undefined: not given
 * @returns the text to write, null to leave the file alone, or what is wrong
 */
export function swapMax(
  swap: number | bigint | undefined,
  memory: number | bigint | undefined,
): string | null | { problem: SwapProblem } {
  const total = BigInt(swap ?? 0)
  const limit = BigInt(memory ?? 0)
  // On v1 no memory limit would make no sense with a limit on the sum.
  if (limit === -1n && total === 0n) return 'max'
  if (total === 0n) return null
  if (total === -1n) return 'max'
  if (limit === -1n) return String(total)
  if (limit === 0n) return { problem: 'no-memory-limit' }
  if (limit < 0n) return { problem: 'memory-limit-invalid' }
  if (total < limit) return { problem: 'below-memory-limit' }
  return String(total - limit)
}
