import { expect, test } from 'vitest'
import { hugePageSize } from '../../../lib/cgroup/common/hugetlb.ts'
import { blkioToIoWeight, bytesOrMax, sharesToWeight, swapMax } from '../../../lib/cgroup/conversions.ts'

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [10, 4],
  [100, 17],
  [512, 59],
  [1024, 100],
  [2048, 174],
  [262_143, 10_000],
  [262_144, 10_000],
  [300_000n, 10_000],
])('%s shares weigh %s', (shares, weight) => {
  const log = Math.log2(Number(shares))
  expect(sharesToWeight(shares)).toBe(weight)
  if (shares > 2 && shares < 262_144) {
    expect(Math.abs(weight - 10 ** ((log ** 2 + 125 * log) / 612 - 7 / 34))).toBeLessThanOrEqual(1)
  }
})

test('more shares never weigh less', () => {
  let before = 0
  for (let shares = 2; shares <= 262_144; shares += 7) {
    const weight = sharesToWeight(shares)
    expect(weight).toBeGreaterThanOrEqual(before)
    before = weight
  }
})

test.each([
  [10, 1],
  [100, 910],
  [500, 4950],
  [1000, 10_000],
])('a blkio weight of %s is an io weight of %s', (blkio, io) => {
  expect(blkioToIoWeight(blkio)).toBe(io)
})

test.each([
  [undefined, undefined, null],
  [0, 0, null],
  [0, 100, null],
  [undefined, 100, null],
  [undefined, -1, 'max'],
  [0, -1, 'max'],
  [-1, 100, 'max'],
  [-1, undefined, 'max'],
  [-1, -1, 'max'],
  [500, -1, '500'],
  [300, 100, '200'],
  [100, 100, '0'],
  [2n ** 60n + 1n, 2n ** 60n, '1'],
  [9_007_199_254_740_993n, 1, '9007199254740992'],
  [100, undefined, { problem: 'no-memory-limit' }],
  [100, 200, { problem: 'below-memory-limit' }],
  [100, -7, { problem: 'memory-limit-invalid' }],
])('swap %s with memory %s is %o', (swap, memory, expected) => {
  expect(swapMax(swap, memory)).toEqual(expected)
})

test('bytes', () => {
  expect(bytesOrMax(-1)).toBe('max')
  expect(bytesOrMax(-1n)).toBe('max')
  expect(bytesOrMax(2n ** 62n)).toBe('4611686018427387904')
})

test.each([
  ['hugepages-64kB', '64KB'],
  ['hugepages-2048kB', '2MB'],
  ['hugepages-32768kB', '32MB'],
  ['hugepages-1048576kB', '1GB'],
  ['hugepages-16777216kB', '16GB'],
  ['hugepages-2MB', null],
  ['free', null],
])('%s is %s', (name, size) => {
  expect(hugePageSize(name)).toBe(size)
})
