import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Config, Process, Resources } from '../types/index.ts'
import { Bundle } from './bundle.ts'
import { checkOptions } from './config/options.ts'
import { Container } from './container.ts'
import { isOciError } from './errors.ts'
import { hostBundle } from './host-bundle.ts'
import { abortError, onAbort, throwIfAborted } from './runtime/abort.ts'
import { Collector } from './runtime/collector.ts'
import { operations } from './runtime/lazy.ts'
import { type CreateOptions, checkSignal, wrong } from './runtime/options.ts'

/** Limits of the container that {@link run} makes. */
export interface RunLimits {
  /** Most memory, in bytes. */
  memory?: number | undefined
  /** Most processes and threads. */
  pids?: number | undefined
  /** CPU time as a number of CPUs: 0.5 is half of one. */
  cpus?: number | undefined
}

/** Options of {@link run}. */
export interface RunOptions {
  /** The bundle, or its directory. Without it, a host bundle (see `hostBundle`) that is removed afterwards. */
  bundle?: string | Bundle | undefined
  /** Directory of the container's state. */
  root?: string | undefined
  /** The container's id (default: a random one). */
  id?: string | undefined
  /** The program and its arguments, in place of the bundle's. */
  args?: readonly string[] | undefined
  /** Environment, as `NAME=value`, on top of the bundle's. */
  env?: readonly string[] | undefined
  /** Working directory in the container, in place of the bundle's. */
  cwd?: string | undefined
  /** Standard input. Without it, there is none: reading finds the end at once. */
  input?: string | Uint8Array | Readable | undefined
  /** Milliseconds after which every process of the container is killed. */
  timeoutMs?: number | undefined
  /** Limits, on top of the bundle's. */
  limits?: RunLimits | undefined
  /** Most bytes of output that are kept, of each stream (default 16 MiB). What comes after is read and dropped. */
  maxOutputBytes?: number | undefined
  cgroupManager?: CreateOptions['cgroupManager']
  onWarning?: CreateOptions['onWarning']
  /** Gives the run up: every process of the container is killed. */
  signal?: AbortSignal | undefined
}

/** What {@link run} came to. */
export interface RunResult {
  /** Exit code, or null: a signal ended the program. */
  exitCode: number | null
  /** Name of the signal that ended it (`'SIGKILL'`), or null. */
  signal: string | null
  /** What it wrote on its standard output, as UTF-8. */
  stdout: string
  /** What it wrote on its standard error, as UTF-8. */
  stderr: string
  /** From the call to the end of the program, in milliseconds. */
  durationMs: number
  /** `timeoutMs` was over. */
  timedOut: boolean
  /** Some output was dropped: more than `maxOutputBytes`. */
  truncated: boolean
  /** The kernel killed a process of the container because it was out of memory. */
  outOfMemory: boolean
}

const OPTIONS = [
  'bundle',
  'root',
  'id',
  'args',
  'env',
  'cwd',
  'input',
  'timeoutMs',
  'limits',
  'maxOutputBytes',
  'cgroupManager',
  'onWarning',
  'signal',
]
const MAX_OUTPUT = 16 * 1024 * 1024
const CPU_PERIOD = 100_000

/**
 * Runs one program in a new container, to its end, and removes the container. A program that fails is a result, not an
 * error.
 *
 * @example
 * ```ts
 * const { stdout } = await run({ args: ['uname', '-a'], timeoutMs: 5000 })
 * ```
 * @throws OciError as `Container.create` and `start`; `ERR_OCI_ABORTED`
 */
export async function run(options: RunOptions = {}): Promise<RunResult> {
  checkOptions('run', options, OPTIONS)
  checkOptions('run: limits', options.limits, ['memory', 'pids', 'cpus'])
  for (const name of ['timeoutMs', 'maxOutputBytes'] as const) checkNumber(name, options[name])
  for (const name of ['memory', 'pids', 'cpus'] as const)
    checkNumber(`limits.${name}`, options.limits?.[name])
  const signal = checkSignal(options.signal)
  throwIfAborted(signal)
  const begin = performance.now()
  if (options.bundle !== undefined) {
    const { bundle } = options
    const loaded = typeof bundle === 'string' ? await Bundle.load(bundle) : bundle
    return runBundle(loaded, options, begin)
  }
  const { runBatch } = await operations()
  // Without an addon nothing is made, since nothing could remove it.
  await runBatch([])
  const directory = await mkdtemp(join(tmpdir(), 'oci-ts-run-'))
  try {
    return await runBundle(await hostBundle(directory), options, begin)
  } finally {
    await runBatch([{ op: 'removeTree', path: directory }])
  }
}

async function runBundle(bundle: Bundle, options: RunOptions, begin: number): Promise<RunResult> {
  const { signal, timeoutMs, input, root, cgroupManager, onWarning } = options
  const id = options.id ?? (await randomId())
  const hasInput = input !== undefined
  const container = await Container.create(id, {
    bundle: Bundle.with(bundle, configOf(bundle.config, options)),
    root,
    cgroupManager,
    onWarning,
    signal,
    stdio: [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  const limit = options.maxOutputBytes ?? MAX_OUTPUT
  const outputs = [new Collector(container.stdout!, limit), new Collector(container.stderr!, limit)] as const
  let timedOut = false
  let timer: NodeJS.Timeout | undefined
  const kill = () => void container.kill('SIGKILL', { all: true }).catch(() => {})
  const remove = onAbort(signal, kill)
  try {
    if (timeoutMs !== undefined) {
      timer = setTimeout(() => {
        timedOut = true
        kill()
      }, timeoutMs)
    }
    await started(container, () => timedOut)
    if (hasInput) feed(container, input)
    const { exitCode, signal: ended } = await container.wait()
    const { oomKilledIn } = await operations()
    if (signal?.aborted) throw abortError(signal, id)
    return {
      exitCode,
      signal: ended,
      stdout: outputs[0].text(),
      stderr: outputs[1].text(),
      durationMs: performance.now() - begin,
      timedOut,
      truncated: outputs.some(({ truncated }) => truncated),
      outOfMemory: await oomKilledIn(root, id),
    }
  } finally {
    clearTimeout(timer)
    remove()
    await container.delete({ force: true })
    for (const stream of [container.stdin, container.stdout, container.stderr]) stream?.destroy()
  }
}

/** node:crypto takes some milliseconds to load: not before it is needed. */
async function randomId(): Promise<string> {
  const { randomUUID } = await import('node:crypto')
  return `run-${randomUUID()}`
}

/** A deadline may fall into the start. */
async function started(container: Container, timedOut: () => boolean): Promise<void> {
  try {
    await container.start()
  } catch (error) {
    if (!timedOut() || !isOciError(error)) throw error
  }
}

function feed(container: Container, input: string | Uint8Array | Readable): void {
  const stdin = container.stdin!
  // The program may end without reading all of it.
  stdin.on('error', () => {})
  if (input instanceof Readable) {
    input.on('error', () => stdin.destroy())
    input.pipe(stdin)
  } else stdin.end(input)
}

function configOf(config: Config, { args, env, cwd, limits }: RunOptions): Config {
  const base: Process = config.process ?? { args: ['sh'], cwd: '/' }
  const process: Process = {
    ...base,
    terminal: false,
    ...(args === undefined ? {} : { args: [...args] }),
    ...(env === undefined ? {} : { env: [...(base.env ?? []), ...env] }),
    ...(cwd === undefined ? {} : { cwd }),
  }
  const resources: Resources = { ...config.linux?.resources }
  const { memory, pids, cpus } = limits ?? {}
  if (memory !== undefined) resources.memory = { ...resources.memory, limit: memory }
  if (pids !== undefined) resources.pids = { limit: pids }
  if (cpus !== undefined) {
    resources.cpu = {
      ...resources.cpu,
      period: CPU_PERIOD,
      quota: Math.max(1000, Math.round(cpus * CPU_PERIOD)),
    }
  }
  return { ...config, process, linux: { ...config.linux, resources } }
}

function checkNumber(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'number' && value > 0)) return
  throw wrong(name, 'a number above 0', value)
}
