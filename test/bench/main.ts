/**
 * `npm run bench`: one table, in one run, of the bare program, oci-ts in process, crun and runc. Ratios are what
 * counts: times of one machine on one day are noisy.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Bundle, type Config, Container, spec } from 'oci-ts'
import { crowd, eventLoop, throughput } from './load.ts'
import { interleave, type Subject, type Summary, summarize, table } from './measure.ts'
import {
  bareSubject,
  oursExecSubject,
  oursSubject,
  peerExecSubject,
  peerSubject,
  spawnQuiet,
} from './subjects.ts'

const rounds = Number(process.env.OCI_TS_BENCH_ROUNDS ?? 10)
const block = Number(process.env.OCI_TS_BENCH_BLOCK ?? 12)
const crowdSize = Number(process.env.OCI_TS_BENCH_CROWD ?? 1000)
const checkout = fileURLToPath(new URL('../../../', import.meta.url))
/** The peer that scripts/setup-debian.sh installed, or undefined. */
function peer(name: string): string | undefined {
  const path = join(checkout, '.cache/peers/bin', name)
  return existsSync(path) ? path : undefined
}
const peers: [name: string, path: string | undefined][] = [
  ['crun', peer('crun')],
  ['runc', peer('runc')],
]

const work = mkdtempSync(join(tmpdir(), 'oci-ts-bench-'))
const results: string[] = []
const say = (text: string) => {
  results.push(text)
  console.log(text)
}

/** A busybox root filesystem and the default spec, without a terminal, running `args`. */
async function bundle(name: string, args: string[]): Promise<Bundle> {
  const dir = join(work, name)
  for (const path of ['bin', 'proc', 'dev', 'sys', 'tmp'])
    mkdirSync(join(dir, 'rootfs', path), { recursive: true })
  execFileSync('cp', ['/bin/busybox', join(dir, 'rootfs/bin/busybox')])
  for (const applet of ['true', 'sleep', 'sh'])
    execFileSync('ln', ['-sf', 'busybox', join(dir, 'rootfs/bin', applet)])
  const config: Config = spec()
  if (!config.process) throw new Error('the default spec has a process')
  config.process.terminal = false
  config.process.args = args
  return Bundle.create(dir, config)
}

function importTimes(count: number): Summary {
  const script = `const begin = process.hrtime.bigint(); await import(${JSON.stringify(import.meta.resolve('oci-ts'))}); console.log(Number(process.hrtime.bigint() - begin) / 1e6)`
  const times = Array.from({ length: count }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })),
  )
  return summarize(times)
}

const ratio = (a: Summary | undefined, b: Summary | undefined) => (a && b ? a.median / b.median : Number.NaN)

function rows(measured: Map<string, Summary>, base: string, ...others: string[]) {
  const of = (name: string) => measured.get(name)
  return [...measured].map(([name, summary]) => [
    name,
    summary.median,
    summary.min,
    summary.p90,
    ...[base, ...others].map((other) => ratio(summary, of(other))),
  ])
}

function bareProgram(short: Bundle): Subject {
  const program = join(work, 'bare')
  execFileSync('gcc', ['-O2', '-o', program, join(checkout, 'test/bench/bare.c')])
  const state = join(work, 'bare-state')
  mkdirSync(state)
  return bareSubject(program, join(short.dir, 'rootfs'), state)
}

async function wholeLife(short: Bundle, bare: Subject): Promise<void> {
  const subjects: Subject[] = [bare, oursSubject(short, join(work, 'root'))]
  for (const [name, path] of peers)
    if (path) subjects.push(peerSubject(name, path, short.dir, join(work, `${name}-root`)))
  const measured = await interleave(subjects, rounds, block)
  say(`\n### A whole life: create, start, wait, delete (${rounds * block} each)\n`)
  say(
    table(
      ['subject', 'median ms', 'min', 'p90', '× bare', '× crun run'],
      rows(measured, 'bare C program', 'crun run'),
    ),
  )
}

async function execs(long: Bundle): Promise<void> {
  const id = `bench-exec-${process.pid}`
  const container = await Container.create(id, { bundle: long, root: join(work, 'root'), stdio: 'ignore' })
  await container.start()
  const subjects: Subject[] = [oursExecSubject(container)]
  const running: [string, string][] = []
  for (const [name, path] of peers) {
    if (!path) continue
    const root = join(work, `${name}-root`)
    await spawnQuiet(path, ['--root', root, 'run', '--detach', '--bundle', long.dir, `${id}-${name}`])
    running.push([path, name])
    subjects.push(peerExecSubject(name, path, root, `${id}-${name}`))
  }
  try {
    const measured = await interleave(subjects, rounds, block)
    say(`\n### exec of /bin/true in a running container (${rounds * block} each)\n`)
    say(table(['subject', 'median ms', 'min', 'p90', '× crun exec'], rows(measured, 'crun exec')))
  } finally {
    await container.delete({ force: true })
    for (const [path, name] of running)
      await spawnQuiet(path, ['--root', join(work, `${name}-root`), 'delete', '--force', `${id}-${name}`])
  }
}

async function bigProcess(short: Bundle): Promise<void> {
  const root = join(work, 'root')
  const small = oursSubject(short, root, 'oci-ts, small process')
  await small.measure(block * 2)
  const before = summarize(await small.measure(rounds * block))
  const ballast = Array.from({ length: 800 }, () => Buffer.alloc(1024 * 1024, 1))
  const after = summarize(await oursSubject(short, root).measure(rounds * block))
  say(`\n### With ${ballast.length} MB of live buffers in the process\n`)
  say(
    table(
      ['process', 'median ms', '× small'],
      [
        ['small', before.median, 1],
        ['800 MB', after.median, after.median / before.median],
      ],
    ),
  )
}

async function main(): Promise<void> {
  const short = await bundle('short', ['/bin/true'])
  const long = await bundle('long', ['/bin/sleep', '3600'])
  say(
    `oci-ts bench, node ${process.version}, kernel ${execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()}`,
  )
  for (const [name, path] of peers)
    say(
      path
        ? execFileSync(path, ['--version'], { encoding: 'utf8' }).split('\n')[0]!
        : `${name}: not installed`,
    )
  const bare = bareProgram(short)
  await wholeLife(short, bare)
  await execs(long)
  const root = join(work, 'root')
  say('\n### Containers per second\n')
  const lives = rounds * block
  const speeds: [number, number][] = []
  for (const inFlight of [1, 2, 8, 32])
    speeds.push([inFlight, await throughput(short, root, inFlight, lives)])
  say(
    table(
      ['in flight', 'per second'],
      speeds.map(([inFlight, speed]) => [String(inFlight), speed]),
    ),
  )
  const loop = await eventLoop(short, root, lives, bare)
  say(`\n### Lateness of the event loop's timers (${lives} warm lives)\n`)
  say(
    table(
      ['meanwhile', 'p99 ms', 'max'],
      [
        ['nothing happens', loop.idle.p99, loop.idle.max],
        ['the bare program runs beside Node', loop.beside.p99, loop.beside.max],
        ['oci-ts in process', loop.lives.p99, loop.lives.max],
        [
          'oci-ts adds to the bare program',
          loop.lives.p99 - loop.beside.p99,
          loop.lives.max - loop.beside.max,
        ],
      ],
    ),
  )
  if (crowdSize > 20) {
    const many = await crowd(long, root, crowdSize, bare)
    say(`\n### ${many.count} running containers, stdio 'ignore'\n`)
    say(
      table(
        ['figure', 'value'],
        [
          ['RSS per container, KB', many.rssKb],
          ['heap per container, KB', many.heapKb],
          ['threads more', String(many.threads)],
          ['create, 1st–10th, median ms', many.createFirst],
          [`create, last ten, median ms`, many.createLast],
          ['last / first', many.createLast / many.createFirst],
          ['a bare life with none running, median ms', many.bareFirst],
          ['a bare life beside all of them, median ms', many.bareLast],
          ['beside all / with none, bare program', many.bareLast / many.bareFirst],
        ],
      ),
    )
  }
  await bigProcess(short)
  const imports = importTimes(20)
  say(`\nImport of the library: median ${imports.median.toFixed(1)} ms, min ${imports.min.toFixed(1)} ms`)
}

try {
  await main()
} finally {
  rmSync(work, { recursive: true, force: true })
}
