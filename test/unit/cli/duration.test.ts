import { expect, test } from 'vitest'
import { parseDuration } from '../../../lib/cli/duration.ts'

test.each([
  ['5s', 5000],
  ['500ms', 500],
  ['1h2m3.5s', 3_723_500],
  ['.5s', 500],
  ['1.s', 1000],
  ['100us', 0.1],
  ['100µs', 0.1],
  ['250000ns', 0.25],
  ['-5ms', -5],
  ['+1m', 60_000],
  ['0', 0],
])('%s', (text, ms) => {
  expect(parseDuration(text)).toBeCloseTo(ms, 9)
})

test.each(['', '5', 's', '5 s', '5d', '1s2', '.s', '--1s', '1e3s', 'max'])('%j is none', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})
