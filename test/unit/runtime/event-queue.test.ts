import { expect, test } from 'vitest'
import { EventQueue, type Noted } from '../../../lib/runtime/event-queue.ts'

function taken(queue: EventQueue): Noted['type'][] {
  const types: Noted['type'][] = []
  for (let event = queue.take(); event !== undefined; event = queue.take()) types.push(event.type)
  return types
}

test('in order; an oom after another one says nothing new', () => {
  const queue = new EventQueue()
  for (const type of ['oom', 'oom', 'paused', 'oom', 'resumed', 'oom', 'oom'] as const) queue.push({ type })
  expect(taken(queue)).toEqual(['oom', 'paused', 'oom', 'resumed', 'oom'])
  queue.push({ type: 'oom' })
  queue.clear()
  expect(taken(queue)).toEqual([])
})

test('nobody reads: it stays small, and what is left is consistent', () => {
  const queue = new EventQueue()
  for (let round = 0; round < 10_000; round++) {
    queue.push({ type: 'paused' })
    queue.push({ type: 'oom' })
    queue.push({ type: 'resumed' })
  }
  queue.push({ type: 'paused' })
  expect(queue.size).toBeLessThan(140)
  const changes = taken(queue).filter((type) => type !== 'oom')
  expect(changes.at(-1)).toBe('paused')
  for (const [index, type] of changes.entries()) expect(type).not.toBe(changes[index + 1])
})
