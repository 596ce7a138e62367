import { accessSync, constants } from 'node:fs'
import { expect, test } from 'vitest'
import { buildPrograms } from '../../harness/programs.ts'

test('the programs of the tests can be built', () => {
  const programs = buildPrograms()
  for (const program of programs) accessSync(program, constants.X_OK)
  expect(new Set(programs).size).toBe(programs.length)
})
