import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { abortable } from '../../../lib/runtime/abort.ts'
import { inTurn } from '../../../lib/runtime/queue.ts'

test('tasks of one key take turns, those of others do not', async () => {
  const log: string[] = []
  const task = (key: string, name: string, ms: number) =>
    inTurn(key, undefined, async () => {
      log.push(`${name} begins`)
      await sleep(ms)
      log.push(`${name} ends`)
      return name
    })
  expect(await Promise.all([task('a', '1', 20), task('a', '2', 1), task('b', '3', 5)])).toEqual([
    '1',
    '2',
    '3',
  ])
  expect(log).toEqual(['1 begins', '3 begins', '3 ends', '1 ends', '2 begins', '2 ends'])
})

test('a task that fails does not hold up the next one', async () => {
  const failing = inTurn('a', undefined, () => Promise.reject(new Error('no')))
  const next = inTurn('a', undefined, async () => 'next')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('next')
})

test('a task that waits for its turn can be given up', async () => {
  const order: number[] = []
  const first = inTurn('a', undefined, () => sleep(30).then(() => order.push(1)))
  const given = inTurn('a', AbortSignal.timeout(5), async () => order.push(2))
  const last = inTurn('a', undefined, async () => order.push(3))
  await expect(given).rejects.toThrow(expect.objectContaining({ code: 'ERR_OCI_ABORTED' }))
  await Promise.all([first, last])
  expect(order).toEqual([1, 3])
})

test('abortable', async () => {
  expect(await abortable(Promise.resolve(1), AbortSignal.timeout(1000))).toBe(1)
  const controller = new AbortController()
  const never = abortable(new Promise(() => {}), controller.signal, 'id')
  controller.abort('why')
  await expect(never).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_OCI_ABORTED', cause: 'why', containerId: 'id' }),
  )
  await expect(abortable(Promise.reject(new Error('late')), controller.signal)).rejects.toThrow('aborted')
})
