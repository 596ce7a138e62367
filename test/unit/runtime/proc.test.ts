import { readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { liveStat, parseStat, readNamespaces, readStat } from '../../../lib/runtime/proc.ts'

const fields = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20'

test.each(['sh', 'a b', '(x)', 'evil) R 1 (', 'new\nline'])(
  'the comm %j does not confuse the fields',
  (comm) => {
    expect(parseStat(`12 (${comm}) S ${fields}\n`)).toEqual({ comm, state: 'S', startTime: 777 })
  },
)

test.each(['', '12', '12 (x', '12 (x) S 1 2'])('%j is no stat', (text) => {
  expect(parseStat(text)).toBe(null)
})

test('this process', () => {
  const stat = readStat(process.pid)!
  expect(liveStat(process.pid, stat.startTime)).toEqual(
    expect.objectContaining({ startTime: stat.startTime }),
  )
  expect(liveStat(process.pid, stat.startTime + 1)).toBe(null)
  expect(liveStat(0, 0)).toBe(null)
  expect(readNamespaces('self').mnt).toBe(readlinkSync('/proc/self/ns/mnt'))
})
