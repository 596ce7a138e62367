import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { type Bundle, Container } from 'oci-ts'
import type { Subject } from './measure.ts'
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

/** Delays of the event loop's timers, in ms: the 99th percentile and the longest. */
export interface LoopDelay {
  p99: number
  max: number
}

async function delayDuring(work: () => Promise<unknown>): Promise<LoopDelay> {
  // The histogram measures its own timer too: a quiet loop has about 1.1 ms.
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  histogram.disable()
  return { p99: histogram.percentile(99) / 1e6, max: histogram.max / 1e6 }
}

/**
 * How late the event loop is over `count` warm lives; and, for comparison, while nothing happens and while another
 * process makes the same system calls: what the machine does to a thread that only waits.
 */
export async function eventLoop(
  bundle: Bundle,
  root: string,
  count: number,
  bare: Subject,
): Promise<{ idle: LoopDelay; beside: LoopDelay; lives: LoopDelay }> {
  for (let index = 0; index < 20; index++) await life(bundle, root)
  return {
    idle: await delayDuring(() => new Promise((resolve) => setTimeout(resolve, 1000))),
    beside: await delayDuring(() => bare.measure(count)),
    lives: await delayDuring(async () => {
      for (let index = 0; index < count; index++) await life(bundle, root)
    }),
  }
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
  /** Milliseconds of a bare program's life before there was any container, and beside all of them. */
  bareFirst: number
  bareLast: number
}

function threads(): number {
  return Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

const collect = () => (globalThis as { gc?: () => void }).gc?.()

/** Starts `count` containers that sleep, measures, and deletes them. `bundle` must run something that stays. */
export async function crowd(bundle: Bundle, root: string, count: number, bare: Subject): Promise<Crowd> {
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
  const bareLife = async () => median(await bare.measure(20))
  const bareFirst = await bareLife()
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
      bareFirst,
      bareLast: await bareLife(),
    }
  } finally {
    for (const container of containers) await container.delete({ force: true })
  }
}
