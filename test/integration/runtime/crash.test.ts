import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Container } from 'oci-ts'
import { expect, test } from 'vitest'
import { startNode } from './node.ts'
import { bundleOf, cgroupsOf, freshId, shellConfig, textOf } from './support.ts'

/** Pids of all processes that call themselves or their program so. */
function leftInits(id: string): string[] {
  return cgroupsOf(id).flatMap((dir) => {
    try {
      return readFileSync(`${dir}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)
    } catch {
      return []
    }
  })
}

async function expectNothingLeft(id: string): Promise<void> {
  await Container.remove(id, { force: true })
  expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
  expect(cgroupsOf(id)).toEqual([])
}

/** A program that lives one life over and over, telling where it is, until it is killed. */
const lives = (id: string, dir: string, body: string) => `
  import { Container } from 'oci-ts'
  const bundle = ${JSON.stringify(dir)}
  const id = ${JSON.stringify(id)}
  // Warm up, so that the interesting moments come soon after the word.
  const w = await Container.create(id + '-warm', { bundle, stdio: 'ignore' })
  await w.delete()
  ${body}`

// The moments between the steps are in crash-steps.test.ts: these may be in the middle of one.
const MOMENTS = Array.from({ length: 6 }, (_, index) => index * 0.8)

test.each(MOMENTS)('the creator is killed %f ms into create', async (moment) => {
  const id = freshId()
  const { dir } = await bundleOf(shellConfig(['sleep', '1000']))
  const child = await startNode(
    lives(
      id,
      dir,
      `
  process.stdout.write('go\\n')
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${Math.floor(moment)})
  const until = performance.now() + ${moment}
  const timer = setInterval(() => { if (performance.now() >= until) process.kill(process.pid, 'SIGKILL') }, 0)
  setImmediate(function spin() { if (performance.now() >= until) process.kill(process.pid, 'SIGKILL'); setImmediate(spin) })
  await Container.create(id, { bundle, stdio: 'ignore' })
  await new Promise(() => {})`,
    ),
  )
  await textOf(child.stdout)
  await sleep(30)
  await expectNothingLeft(id)
  expect(leftInits(id)).toEqual([])
})

test('an init whose creator dies before `created` ends by itself', async () => {
  const id = freshId()
  const { dir } = await bundleOf(
    shellConfig(['sleep', '1000'], (config) => {
      config.hooks = {
        createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'exec sleep 3'], env: ['PATH=/bin:/usr/bin'] }],
      }
    }),
  )
  const child = await startNode(`
    import { Container } from 'oci-ts'
    process.stdout.write('go\\n')
    await Container.create(${JSON.stringify(id)}, { bundle: ${JSON.stringify(dir)}, stdio: 'ignore' })`)
  await expect.poll(() => leftInits(id).length, { timeout: 10_000 }).toBeGreaterThan(0)
  expect((await Container.list()).find((state) => state.id === id)?.status).toBe('creating')
  child.kill('SIGKILL')
  await expect.poll(() => leftInits(id)).toEqual([])
  // The hook outlives its runtime, but not the container: it is in no cgroup of it.
  expect((await Container.list()).find((state) => state.id === id)?.status).toBe('stopped')
  await expectNothingLeft(id)
})

test.each([0.1, 0.3])('the caller is killed %f ms into start', async (moment) => {
  const id = freshId()
  const { dir } = await bundleOf(shellConfig(['sleep', '1000']))
  const child = await startNode(
    lives(
      id,
      dir,
      `
  const c = await Container.create(id, { bundle, stdio: 'ignore' })
  const until = performance.now() + ${moment}
  setImmediate(function spin() { if (performance.now() >= until) process.kill(process.pid, 'SIGKILL'); setImmediate(spin) })
  await c.start()
  await new Promise(() => {})`,
    ),
  )
  await textOf(child.stdout)
  const { status } = await (await Container.load(id)).state()
  expect(['created', 'running', 'stopped']).toContain(status)
  await expectNothingLeft(id)
})

test.each([0.2, 0.5])('the caller is killed %f ms into delete', async (moment) => {
  const id = freshId()
  const { dir } = await bundleOf(shellConfig(['sleep', '1000']))
  const child = await startNode(
    lives(
      id,
      dir,
      `
  const c = await Container.create(id, { bundle, stdio: 'ignore' })
  await c.start()
  const until = performance.now() + ${moment}
  setImmediate(function spin() { if (performance.now() >= until) process.kill(process.pid, 'SIGKILL'); setImmediate(spin) })
  await c.delete({ force: true })
  await new Promise(() => {})`,
    ),
  )
  await textOf(child.stdout)
  await expectNothingLeft(id)
})

test('delete by force waits for a creator that lives', async () => {
  const id = freshId()
  const { dir } = await bundleOf(
    shellConfig(['sleep', '1000'], (config) => {
      config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1'] }] }
    }),
  )
  const child = await startNode(`
    import { Container } from 'oci-ts'
    process.stdout.write('go\\n')
    const c = await Container.create(${JSON.stringify(id)}, { bundle: ${JSON.stringify(dir)}, stdio: 'ignore' })
    process.stdout.write('created ' + (await c.wait()).signal)`)
  const output = textOf(child.stdout)
  await expect.poll(() => existsSync(`/run/oci-ts/${id}/state.json`), { timeout: 10_000 }).toBe(true)
  await Container.remove(id, { force: true })
  expect(await output).toContain('created SIGKILL')
  await expectNothingLeft(id)
})
