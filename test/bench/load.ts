import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { type Bundle, Container } from 'oci-ts'
import { life } from './subjects.ts'

/** Containers per second with `inFlight` whole lives at any time. */
export async function throughput(
  bundle: Bundle,
  root: string,
  inFlight: number,
  total: number,
): Promise<number> {
  let left = total
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await life(bundle, root)
    }),
  )
  return total / ((performance.now() - begin) / 1000)
}

/** How long the event loop was blocked at the 99th percentile and at most, in ms, over `count` warm lives. */
export async function eventLoop(
  bundle: Bundle,
  root: string,
  count: number,
): Promise<{ p99: number; max: number }> {
  // The histogram measures its own timer too: what a resolution of 1 ms adds is taken off by an idle run.
  const idle = monitorEventLoopDelay({ resolution: 1 })
  idle.enable()
  await new Promise((resolve) => setTimeout(resolve, 500))
  idle.disable()
  const busy = monitorEventLoopDelay({ resolution: 1 })
  busy.enable()
  for (let index = 0; index < count; index++) await life(bundle, root)
  busy.disable()
  const base = idle.percentile(50) / 1e6
  return { p99: Math.max(0, busy.percentile(99) / 1e6 - base), max: Math.max(0, busy.max / 1e6 - base) }
}

/** What many running containers cost this process. */
export interface Crowd {
  count: number
  /** Kilobytes of resident memory, and of JavaScript heap, per container. */
  rssKb: number
  heapKb: number
  /** Threads that came with them. */
  threads: number
  /** Milliseconds to create the first ten (median), and the last ten. */
  createFirst: number
  createLast: number
}

function threads(): number {
  return Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

const collect = () => (globalThis as { gc?: () => void }).gc?.()

/** Starts `count` containers that sleep, measures, and deletes them. `bundle` must run something that stays. */
export async function crowd(bundle: Bundle, root: string, count: number): Promise<Crowd> {
  const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN
  const containers: Container[] = []
  const times: number[] = []
  const add = async (index: number) => {
    const begin = performance.now()
    const container = await Container.create(`crowd-${process.pid}-${index}`, {
      bundle,
      root,
      stdio: 'ignore',
    })
    times.push(performance.now() - begin)
    await container.start()
    containers.push(container)
  }
  try {
    for (let index = 0; index < 10; index++) await add(index)
    collect()
    const before = { ...process.memoryUsage(), threads: threads() }
    for (let index = 10; index < count; index++) await add(index)
    collect()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const after = { ...process.memoryUsage(), threads: threads() }
    return {
      count,
      rssKb: (after.rss - before.rss) / 1024 / (count - 10),
      heapKb: (after.heapUsed - before.heapUsed) / 1024 / (count - 10),
      threads: after.threads - before.threads,
      createFirst: median(times.slice(0, 10)),
      createLast: median(times.slice(-10)),
    }
  } finally {
    for (const container of containers) await container.delete({ force: true })
  }
}
