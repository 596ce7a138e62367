import { afterAll, beforeAll, expect } from 'vitest'
import { watchFds } from './leaks.ts'
import { removeTempDirs } from './temp.ts'

let leakedFds: (() => Promise<string[]>) | undefined

beforeAll(async () => {
  // Unit tests make no containers; spare them the time.
  if (!/\/test\/unit\//.test(expect.getState().testPath ?? '')) leakedFds = await watchFds()
})

afterAll(async () => {
  removeTempDirs()
  expect((await leakedFds?.()) ?? [], 'file descriptors that a test left open').toEqual([])
})
