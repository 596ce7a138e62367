import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import type { Step } from '../../../lib/plan/steps.ts'
import { slowness } from '../../harness/checkout.ts'
import { openFds, threadCount } from '../../harness/leaks.ts'
import { capture, children, program } from './launch.ts'

/** The file of the loaded addon. */
const addon = (() => {
  native()
  const found = /\S+\.node$/m.exec(readFileSync('/proc/self/maps', 'utf8').replace(/^.*(?<!\.node)$/gm, ''))
  return found?.[0] ?? ''
})()

const prologue = `
  const { workerData, parentPort } = require('node:worker_threads')
  const data = workerData ?? JSON.parse(process.argv[1])
  const load = () => { const m = { exports: {} }; process.dlopen(m, data.addon); return m.exports }
  const n = load()
  const plan = (name) => Uint8Array.from(data.plans[name])
`

const wait = (timeoutMs: number): Step[] => [
  { op: 'openPidfd', to: 1, pid: process.pid },
  { op: 'waitPidfd', pidfd: 1, timeoutMs },
]
const plans: Record<string, Step[]> = {
  nop: [{ op: 'nop' }],
  wait: wait(600),
  // Longer than a test may take.
  long: wait(3_600_000),
  pipes: Array.from({ length: 20 }, (_, i) => ({ op: 'pipe', read: 2 * i, write: 2 * i + 1 })),
  launch: [
    { op: 'spawn', plan: encodePlan(program('sleep', '97')), flags: 0, pidfd: 5, socket: 6, report: 7 },
    // Long enough for the worker to be gone before it is over.
    ...wait(1000 * slowness),
  ],
}
const data = {
  addon,
  plans: Object.fromEntries(Object.entries(plans).map(([name, steps]) => [name, [...encodePlan(steps)]])),
}

function worker(code: string): Worker {
  return new Worker(`${prologue}${code}`, { eval: true, workerData: data })
}

/** Runs a script in a node of its own. */
async function node(code: string) {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined }
  const options = { timeout: 15_000 * slowness, env }
  const started = performance.now()
  try {
    const result = await promisify(execFile)(
      'node',
      ['-e', `${prologue}${code}`, JSON.stringify(data)],
      options,
    )
    return { ...result, code: 0, ms: performance.now() - started }
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number }
    return { stdout, stderr, code, ms: performance.now() - started }
  }
}

const message = (from: Worker) => new Promise((resolve) => from.once('message', resolve))

async function settledFds(): Promise<number> {
  await sleep(50)
  return openFds().size
}

test('a worker that is terminated while batches run leaves nothing', async () => {
  // Node itself starts something with the first worker.
  await worker('').terminate()
  const threads = threadCount()
  const fds = await settledFds()
  for (let round = 0; round < 5; round++) {
    const thread = worker(`
      for (let i = 0; i < 4; i++) n.run(plan('wait'), [], [1])
      for (let i = 0; i < 4; i++) n.run(plan('pipes'), [], Array.from({ length: 40 }, (_, i) => i))
      parentPort.postMessage('running')
      for (;;);
    `)
    await message(thread)
    await sleep(20)
    await thread.terminate()
  }
  await expect.poll(() => openFds().size).toBe(fds)
  await expect.poll(threadCount).toBeLessThanOrEqual(threads)
})

test('a process that was launched for a worker which is gone is killed and reaped', async () => {
  // The sealed init program stays open from the first launch on.
  await capture(program('true'))
  const fds = await settledFds()
  const thread = worker(`n.run(plan('launch'), [], [5, 6, 7]); parentPort.postMessage('running'); for (;;);`)
  await message(thread)
  await expect.poll(children).toEqual(['S sleep'])
  await thread.terminate()
  await expect.poll(children).toEqual([])
  await expect.poll(() => openFds().size).toBe(fds)
})

test('a worker with open polls ends, and may load the addon many times', async () => {
  const fds = await settledFds()
  for (let round = 0; round < 3; round++) {
    const thread = worker(`
      const [r, w] = n.pipe()
      const other = load()
      for (const one of [n, other]) for (let i = 0; i < 3; i++) one.poll(r, 1, () => {}).unref()
      Promise.all([n, other].map((one) => one.run(plan('nop'), [], []))).then(() => {
        n.close(r); n.close(w)
        parentPort.postMessage('done')
        parentPort.unref()
      })
    `)
    const exit = new Promise((resolve) => thread.once('exit', resolve))
    expect(await message(thread)).toBe('done')
    expect(await exit).toBe(0)
  }
  await expect.poll(() => openFds().size).toBe(fds)
})

test('the addon outlives the only environment that loaded it', async () => {
  const { stdout, stderr, code } = await node('')
  expect({ stdout, stderr, code }).toEqual({ stdout: '', stderr: '', code: 0 })
  const result = await promisify(execFile)('node', [
    '-e',
    `const { Worker } = require('node:worker_threads')
     const workerData = JSON.parse(process.argv[1])
     const worker = new Worker(${JSON.stringify(
       `${prologue} n.run(plan('wait'), [], []); n.run(plan('nop'), [], []); setTimeout(() => process.exit(3), 50)`,
     )}, { eval: true, workerData })
     worker.on('exit', (code) => setTimeout(() => console.log('worker', code), 3500))`,
    JSON.stringify(data),
  ])
  expect(result).toEqual({ stdout: 'worker 3\n', stderr: '' })
})

test('process.exit does not wait for batches that run', async () => {
  const { code, stderr } = await node(`
    for (let i = 0; i < 4; i++) n.run(plan('long'), [], [])
    n.run(plan('pipes'), [], [1, 2, 3])
    setTimeout(() => process.exit(7), 20)
  `)
  expect({ code, stderr }).toEqual({ code: 7, stderr: '' })
})

test('a pending batch keeps the loop alive, an idle pool does not', async () => {
  const { stdout, ms } = await node(`n.run(plan('wait'), [], []).then((r) => console.log(r.failure.errno))`)
  expect(stdout).toBe('110\n')
  expect(ms).toBeGreaterThan(600)
})

test('an open poll keeps the loop alive, unless it is unreferenced', async () => {
  const held = await node(`
    const [r, w] = n.pipe()
    const p = n.poll(r, 1, () => { console.log('called'); p.close() })
    setTimeout(() => require('node:fs').writeSync(w, 'x'), 100).unref()
    setTimeout(() => {}, 10)
  `)
  expect(held.stdout).toBe('called\n')
  const unheld = await node(`
    const [r] = n.pipe()
    const p = n.poll(r, 1, () => {})
    p.unref(); p.ref(); p.unref()
  `)
  expect({ code: unheld.code, stdout: unheld.stdout }).toEqual({ code: 0, stdout: '' })
})
