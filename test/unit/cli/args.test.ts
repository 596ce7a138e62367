import { expect, test } from 'vitest'
import { type Flags, parseArgs } from '../../../lib/cli/args.ts'
import { bytes } from '../../../lib/cli/commands/update.ts'
import { UsageError } from '../../../lib/cli/usage.ts'

const FLAGS = {
  all: { type: 'bool', short: 'a', help: '' },
  name: { type: 'string', short: 'n', help: '' },
  env: { type: 'list', short: 'e', help: '' },
  count: { type: 'int', help: '' },
  gid: { type: 'int-list', short: 'g', help: '' },
} as const satisfies Flags

const parse = (line: string, inOrder = false) => parseArgs(line.split(' '), FLAGS, inOrder)

test.each([
  ['--all x', { all: true }, ['x']],
  ['-all x', { all: true }, ['x']],
  ['-a=false x', { all: false }, ['x']],
  ['x --name y', { name: 'y' }, ['x']],
  ['-n=y=z x', { name: 'y=z' }, ['x']],
  ['--name= x', { name: '' }, ['x']],
  ['-e A=1 --env B=2 x', { env: ['A=1', 'B=2'] }, ['x']],
  ['--count -5', { count: -5 }, []],
  ['-g 1 -g=2', { gid: [1, 2] }, []],
  ['x -- --all', {}, ['x', '--all']],
  ['x -', {}, ['x', '-']],
] as const)('%s', (line, flags, rest) => {
  expect(parse(line)).toEqual({ flags, rest })
})

test('in order, flags end at the first positional', () => {
  expect(parse('-a box sh -c x', true)).toEqual({ flags: { all: true }, rest: ['box', 'sh', '-c', 'x'] })
  expect(parse('-a -- box -c', true)).toEqual({ flags: { all: true }, rest: ['box', '-c'] })
})

test.each([
  ['--bogus', 'flag provided but not defined: -bogus'],
  ['--nmae x', 'did you mean --name?'],
  ['x --name', 'flag needs an argument: -name'],
  ['--all=maybe', 'invalid boolean value "maybe" for -all'],
  ['--count 1.5', 'invalid value "1.5" for flag -count'],
  ['--count 99999999999999999999', 'invalid value'],
  ['-g foo', 'invalid value "foo" for flag -g'],
  ['--__proto__ x', 'not defined'],
])('%s is refused', (line, message) => {
  expect(() => parse(line)).toThrow(message)
  expect(() => parse(line)).toThrow(UsageError)
})

test.each([
  ['4096', 4096],
  ['64m', 64 * 1024 ** 2],
  ['1.5g', 1.5 * 1024 ** 3],
  ['2KiB', 2048],
  ['2 kb', 2048],
  ['-1', -1],
  ['', undefined],
  [undefined, undefined],
])('%s in bytes', (text, value) => {
  expect(bytes('memory', text)).toBe(value)
})

test.each(['m', '-2', '1x', '0x10', '1e3', '64mm', ' 1'])('%s are no bytes', (text) => {
  expect(() => bytes('memory', text)).toThrow('invalid value for memory')
})
