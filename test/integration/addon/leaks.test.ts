import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { SLOT } from '../../../lib/plan/slots.ts'
import { slowness } from '../../harness/checkout.ts'
import { openFds, threadCount } from '../../harness/leaks.ts'
import { children, ended, launch, program } from './launch.ts'

async function lifetime(): Promise<void> {
  const launched = await launch(program('true'))
  expect(launched.result.failure).toBeNull()
  expect(await ended(launched.pidfd)).toMatchObject({ exited: true, code: 0 })
  launched.close()
}

test('1000 launches leave no fd, no thread and no process', { timeout: 60_000 * slowness }, async () => {
  await lifetime()
  await sleep(3000)
  const fds = openFds()
  const threads = threadCount()
  for (let i = 0; i < 1000; i += 8) await Promise.all(Array.from({ length: 8 }, lifetime))
  expect([...openFds()]).toEqual([...fds])
  // Idle threads end after two seconds.
  for (let i = 0; i < 60 && threadCount() > threads; i++) await sleep(100)
  expect(threadCount()).toBe(threads)
  expect(children()).toEqual([])
})

test('failed batches give back everything but what is kept', async () => {
  await native().run(encodePlan([{ op: 'nop' }]), [], [])
  const fds = openFds().size
  for (let i = 0; i < 50; i++) {
    const { failure, fds: kept } = await native().run(
      encodePlan([
        { op: 'pipe', read: 20, write: 21 },
        { op: 'pipe', read: 22, write: 23 },
        { op: 'spawn', plan: encodePlan([]), flags: 0x20200, pidfd: 5, socket: 6, report: 7 },
      ]),
      [],
      [20, SLOT.pidfd],
    )
    expect(failure).toMatchObject({ step: 2, syscall: 'clone' })
    expect(kept[1]).toBe(-1)
    native().close(kept[0] ?? -1)
  }
  expect(openFds().size).toBe(fds)
})

test('what is lent stays open and the caller’s, what is kept is the caller’s once', async () => {
  const [read, write] = native().pipe()
  const { fds } = await native().run(encodePlan([{ op: 'close', slot: 3 }]), [3, read, 4, write], [3, 4])
  expect(fds).toEqual([-1, -1])
  native().close(read)
  native().close(write)
  expect(() => native().close(write)).toThrow(/EBADF/)
})

test('a malformed plan is refused whole', async () => {
  await expect(native().run(new Uint8Array(31), [], [])).rejects.toThrow(/malformed plan/)
  const plan = encodePlan([{ op: 'pipe', read: 1, write: 2 }])
  plan[4] = (plan[4] ?? 0) ^ 1
  await expect(native().run(plan, [], [])).rejects.toThrow(TypeError)
})

test('wrong arguments are TypeErrors and RangeErrors, not crashes', () => {
  const any = native() as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of Object.keys(native())) {
    const call = any[name]
    if (
      typeof call !== 'function' ||
      ['pipe', 'eventfd', 'facts', 'seccompVersion', 'becomeSubreaper'].includes(name)
    )
      continue
    for (const args of [[], [null, null, null], [{}, {}, {}], [Symbol('s'), 1n, () => 0]]) {
      expect(() => call(...args), `${name} ${args.length}`).toThrow(/argument|profile|poll\(|slots/)
    }
  }
  expect(() => any.run?.(new Uint8Array(64), [1024, 0], [])).toThrow(RangeError)
  expect(() => any.run?.(new Uint8Array(64), [1], [])).toThrow(RangeError)
})
