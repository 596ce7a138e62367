import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, Container, type ContainerEvent } from 'oci-ts'
import { beforeAll, expect, test } from 'vitest'
import { locateCgroup } from '../../../lib/cgroup/location.ts'
import { freezerEvents } from '../../../lib/cgroup/operate.ts'
import { hostFacts } from '../../../lib/runtime/facts.ts'
import { slowness } from '../../harness/checkout.ts'
import { runInNode } from './node.ts'
import { bundleOf, createShell, failure, freshId, shellConfig } from './support.ts'

const MB = 1 << 20
/** Takes far more memory than it may. */
const HOG = 'tail -c 200m /dev/zero'

const small = (config: Config) => {
  config.linux!.resources = { memory: { limit: 32 * MB, swap: 32 * MB } }
}

async function started(script: string, change?: (config: Config) => void): Promise<Container> {
  const container = await createShell(script, { stdio: 'ignore' }, change)
  await container.start()
  return container
}

/** Collects the events up to the end. */
function collect(events: AsyncIterable<ContainerEvent>) {
  const seen: ContainerEvent[] = []
  const done = (async () => {
    for await (const event of events) seen.push(event)
  })()
  return { seen, done, types: () => seen.map(({ type }) => type) }
}

const openFds = () => readdirSync('/proc/self/fd').length

beforeAll(async () => {
  // What Node opens once for the first watch of a file, and for the first container.
  await using container = await started('sleep 1000')
  await container.events().return?.()
})

test('memory runs out: told before the exit, and by wait', async () => {
  await using container = await createShell(`exec ${HOG}`, { stdio: 'ignore' }, small)
  const { seen, done } = collect(container.events())
  await container.start()
  const status = await container.wait()
  expect(status).toEqual({ exitCode: null, signal: 'SIGKILL', oomKilled: true })
  await done
  expect(new Set(seen.slice(0, -1).map(({ type }) => type))).toEqual(new Set(['oom']))
  expect(seen.at(-1)).toEqual({ type: 'exit', ...status })
})

test('another process of the container: an oom, and it goes on; a SIGKILL afterwards is told apart', async () => {
  await using container = await started(`${HOG}; exec sleep 1000`, small)
  const { types, done } = collect(container.events())
  await expect.poll(types).toContain('oom')
  await expect.poll(async () => (await container.stats()).memory?.oomKills).toBe(1)
  await container.kill('SIGKILL')
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
  await done
  expect(types().at(-1)).toBe('exit')
})

test('an added process: by wait', async () => {
  await using container = await started('sleep 1000', small)
  const hog = await container.exec({ args: ['sh', '-c', `exec ${HOG}`], stdio: 'ignore' })
  expect(await hog.wait()).toEqual({ exitCode: null, signal: 'SIGKILL', oomKilled: true })
  const other = await container.exec({ args: ['sleep', '1000'], stdio: 'ignore' })
  await other.kill('SIGKILL')
  expect(await other.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
})

test('a container that another process has created', async () => {
  const id = freshId()
  const bundle = await bundleOf(
    shellConfig(`while [ ! -e /tmp/go ]; do sleep 0.1; done; exec ${HOG}`, (config) => {
      small(config)
      config.mounts!.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' })
    }),
  )
  const made = await runInNode(`
    import { Container } from 'oci-ts'
    const options = { bundle: ${JSON.stringify(bundle.dir)}, stdio: 'ignore' }
    const container = await Container.create(${JSON.stringify(id)}, options)
    await container.start()`)
  expect(made).toMatchObject({ exitCode: 0 })
  await using container = await Container.load(id)
  const { types, done } = collect(container.events())
  await container.exec({ args: ['touch', '/tmp/go'], stdio: 'ignore' })
  const status = await container.wait()
  await done
  expect(types()).toContain('oom')
  expect(types().at(-1)).toBe('exit')
  // How it ended is known of a child of another process only on newer kernels.
  if (status.signal !== null) expect(status).toMatchObject({ signal: 'SIGKILL', oomKilled: true })
})

test('paused and resumed, by whomever', async () => {
  await using container = await started('sleep 1000')
  const { types, done } = collect(container.events())
  await container.pause()
  await expect.poll(types).toEqual(['paused'])
  await container.resume()
  await expect.poll(types).toEqual(['paused', 'resumed'])
  const { cgroup } = await hostFacts()
  const { path, v1 } = freezerEvents(locateCgroup(cgroup, container.id))!
  const write = (frozen: boolean) =>
    v1
      ? `echo ${frozen ? 'FROZEN' : 'THAWED'} > ${path}`
      : `echo ${Number(frozen)} > ${path.replace('cgroup.events', 'cgroup.freeze')}`
  spawnSync('sh', ['-c', write(true)])
  await expect.poll(types).toEqual(['paused', 'resumed', 'paused'])
  spawnSync('sh', ['-c', write(false)])
  await expect.poll(types).toEqual(['paused', 'resumed', 'paused', 'resumed'])
  await container.kill('SIGKILL')
  await done
  expect(types()).toEqual(['paused', 'resumed', 'paused', 'resumed', 'exit'])
})

test('stats in a beat; a slow reader finds one that is fresh, and nothing piled up', async () => {
  await using container = await started('sleep 1000')
  const interval = 100 * slowness
  const events = container.events({ intervalMs: interval })
  const begin = performance.now()
  const times: number[] = []
  for await (const event of events) {
    expect(event).toMatchObject({ type: 'stats', stats: { pids: { current: 1 } } })
    times.push(performance.now() - begin)
    if (times.length === 2) {
      await container.update({ pids: { limit: 77 } })
      await sleep(5.5 * interval)
    }
    if (times.length === 3) expect(event).toMatchObject({ stats: { pids: { limit: 77 } } })
    if (times.length === 5) break
  }
  expect(times[0]).toBeGreaterThan(interval * 0.9)
  // Five beats are left out: what comes next are the third and fourth event, not four at once.
  expect(times[4]! - times[2]!).toBeGreaterThan(interval * 0.9)
})

test('an abort, a break and a return end it, and nothing is held any more', async () => {
  await using container = await started('sleep 1000')
  const fds = openFds()
  const threads = readdirSync('/proc/self/task').length
  const controller = new AbortController()
  const aborted = container.events({ intervalMs: 60_000, signal: controller.signal })
  const pending = aborted.next()
  expect(openFds()).toBeGreaterThan(fds)
  controller.abort()
  await failure(pending, 'ERR_OCI_ABORTED')
  expect(await aborted.next()).toEqual({ value: undefined, done: true })
  await failure(container.events({ signal: AbortSignal.abort() }).next(), 'ERR_OCI_ABORTED')
  for await (const event of container.events({ intervalMs: 10 })) {
    expect(event.type).toBe('stats')
    break
  }
  const returned = container.events()
  const waiting = [returned.next(), returned.next()]
  await returned.return?.()
  const over = { value: undefined, done: true }
  expect(await Promise.all([...waiting, returned.next()])).toEqual([over, over, over])
  const { done } = collect(container.events())
  await container.kill('SIGKILL')
  await done
  await container.wait()
  // Its pidfd has gone, too.
  await expect.poll(openFds).toBeLessThanOrEqual(fds)
  expect(readdirSync('/proc/self/task').length).toBeLessThanOrEqual(threads + 4)
})

test('no thread waits: a hundred watches', async () => {
  await using container = await started('sleep 1000')
  await container.stats()
  const fds = openFds()
  const threads = readdirSync('/proc/self/task').length
  const events = Array.from({ length: 100 }, () => container.events({ intervalMs: 60_000 }))
  const all = events.map((one) => one.next())
  expect(readdirSync('/proc/self/task').length).toBeLessThanOrEqual(threads)
  await container.pause()
  for (const result of await Promise.all(all)) expect(result.value).toEqual({ type: 'paused' })
  for (const one of events) await one.return?.()
  expect(openFds()).toBeLessThanOrEqual(fds)
  await container.resume()
})

test('options, and containers that have ended or are gone', async () => {
  await using container = await createShell('exit 3', { stdio: 'ignore' })
  for (const intervalMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number]) {
    expect(() => container.events({ intervalMs })).toThrow(/intervalMs: expected a number/)
  }
  expect(() => container.events({ interval: 5 } as object)).toThrow(/interval/)
  await container.start()
  await container.wait()
  const { seen, done } = collect(container.events({ intervalMs: 10 }))
  await done
  expect(seen).toEqual([{ type: 'exit', exitCode: 3, signal: null }])
  await container.delete()
  expect(() => container.events()).toThrow(/does not exist|not found|no container/i)
  await using bare = await createShell('exit 4', { stdio: 'ignore', cgroupManager: 'disabled' })
  expect(() => bare.events({ intervalMs: 10 })).toThrow(/no cgroup/)
  const bareEvents = collect(bare.events())
  await bare.start()
  await bareEvents.done
  expect(bareEvents.seen).toEqual([{ type: 'exit', exitCode: 4, signal: null }])
})

test('a deletion by force: the exit is the end', async () => {
  const container = await started('sleep 1000')
  const { seen, done } = collect(container.events({ intervalMs: 60_000 }))
  await container.delete({ force: true })
  await done
  // On cgroup v1 they are frozen meanwhile, so that none escapes.
  const others = seen.filter(({ type }) => type !== 'paused' && type !== 'resumed')
  expect(others).toEqual([{ type: 'exit', exitCode: null, signal: 'SIGKILL' }])
})

test('who waits for an event keeps Node alive; an iterator alone does not', async () => {
  const id = freshId()
  await using container = await Container.create(id, {
    bundle: await bundleOf(shellConfig('sleep 1000')),
    stdio: 'ignore',
  })
  await container.start()
  const program = (rest: string) => `
    import { Container } from 'oci-ts'
    const container = await Container.load('${id}')
    const events = container.events({ intervalMs: 50 })
    ${rest}`
  expect(await runInNode(program(`console.log('made')`))).toMatchObject({ exitCode: 0, stdout: 'made\n' })
  const waits = `
    console.log((await events.next()).value.type)
    console.log((await events.next()).value.type)`
  expect(await runInNode(program(waits))).toMatchObject({ exitCode: 0, stdout: 'stats\nstats\n' })
})
