import { expect, test } from 'vitest'
import { fillOf, makeHole } from '../../../lib/runtime/template.ts'

const HOLE = makeHole()

test('only what holds the hole is made anew', () => {
  const constant = { list: ['a', 1, null], bytes: new Uint8Array([1]) }
  const value = { name: `/x/${HOLE}/${HOLE}`, list: [`${HOLE}`, 'b', { deep: `${HOLE}!` }], constant, n: 1 }
  const fill = fillOf(value, HOLE)!
  const filled = fill('$&')
  expect(filled).toEqual({ name: '/x/$&/$&', list: ['$&', 'b', { deep: '$&!' }], constant, n: 1 })
  expect(filled.constant).toBe(constant)
  expect(fill('z').name).toBe('/x/z/z')
  expect(value.name).toContain(HOLE)
})

test('without the hole there is nothing to fill', () => {
  expect(fillOf({ a: ['b', undefined, 3n, new Uint8Array([7])] }, HOLE)).toBeNull()
})

test('a hole in bytes is refused', () => {
  expect(() => fillOf({ data: Buffer.from(`{"id":"${HOLE}"}`) }, HOLE)).toThrow(RangeError)
})

test('no two holes are the same', () => {
  expect(makeHole()).not.toBe(makeHole())
})
