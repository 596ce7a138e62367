import { expect, test } from 'vitest'
import { signalName, signalNumber } from '../../../lib/runtime/signals.ts'

test.each([
  ['SIGTERM', 15],
  ['term', 15],
  ['KILL', 9],
  ['9', 9],
  [1, 1],
  ['RTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['rtmax-1', 63],
  ['SIGRTMAX', 64],
  [64, 64],
])('%s is %i', (signal, number) => {
  expect(signalNumber(signal)).toBe(number)
})

test.each(['', 'SIG', 'NOPE', '0', 0, 65, -1, 1.5, '9 ', 'RTMIN+31', 'RTMIN-1', Number.NaN, null, {}])(
  '%s is none',
  (signal) => {
    expect(() => signalNumber(signal as never)).toThrow('signal: expected')
  },
)

test('0 only where a test is meant', () => {
  expect(signalNumber(0, true)).toBe(0)
})

test('names', () => {
  expect([9, 6, 29, 37, 64].map(signalName)).toEqual([
    'SIGKILL',
    'SIGABRT',
    'SIGIO',
    'SIGRTMIN+3',
    'SIGRTMIN+30',
  ])
  expect(signalName(33)).toBe('SIG33')
})
