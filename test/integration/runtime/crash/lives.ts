import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Container, isOciError } from 'oci-ts'
import { main } from '../../../../lib/cli/main.ts'
import { native } from '../../../../lib/native.ts'
import { tempDir } from '../../../harness/temp.ts'
import { bundledModule } from '../node.ts'
import { freshId } from '../support.ts'
import { filesOf, processesOf, type Traces } from './leftovers.ts'
import type { Point } from './tripwire.ts'
import type { Act, Life } from './victim.ts'

/** How long what is left to itself may take to end, in ms. */
const END_TIMEOUT_MS = 10_000

/** A kind of life. */
export interface Kind {
  bundle: string
  acts: readonly Act[]
  consoleSocket?: string
  recordLate?: boolean
  /** What comes before, in another process that dies or ends there. */
  before?: { acts: readonly Act[]; target: string | null }
}

/** Who takes away what a dead caller has left: the command line comes as a function or as a program of its own. */
export type Cleaner = 'library' | 'command line' | 'command'

let marks = 0

/** A life's traces: ids of one length, so that their plans can be compared. */
export function newTraces(bundle: string): Traces {
  return {
    id: `${freshId()}.`.padEnd(24, 'x'),
    mark: (marks++ % 900) + 50,
    bundle,
    dir: tempDir('oci-ts-life-'),
  }
}

/** Runs the program of victim.ts to its end. */
async function run(...args: string[]) {
  const program = await bundledModule('test/integration/runtime/crash/victim.ts')
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  // Not `close`: what it has left may hold its streams.
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('exit', (...end) => resolve(end)),
  )
  if (code === 0)
    await new Promise((resolve) =>
      child.stdout.readableEnded ? resolve(0) : child.stdout.on('end', resolve),
    )
  child.stdout.destroy()
  child.stderr.destroy()
  return { stdout, stderr, code, signal }
}

function live({ before: _, ...kind }: Kind, { bundle: __, ...traces }: Traces, target: string | null) {
  return run(JSON.stringify({ ...kind, ...traces, target } satisfies Life))
}

async function prepare({ before, ...kind }: Kind, traces: Traces): Promise<void> {
  if (before === undefined) return
  const { signal, code, stderr } = await live({ ...kind, acts: before.acts }, traces, before.target)
  if (before.target === null ? code !== 0 : signal !== 'SIGKILL') throw new Error(`before: ${stderr}`)
}

/** Lives once, to the end: all points at which a life of this kind can end. */
export async function pointsOf(kind: Kind): Promise<Point[]> {
  const traces = newTraces(kind.bundle)
  await prepare(kind, traces)
  const { stdout, stderr, code } = await live(kind, traces, null)
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`)
  await clean(traces.id, 'library')
  return (JSON.parse(stdout) as Point[]).map(({ label, content }) => ({
    label,
    content: content?.replaceAll(traces.id, 'ID').replaceAll(traces.dir, 'DIR') ?? null,
  }))
}

/** Lives until the point, where it is killed; then lets the cleaner at it. Returns what is wrong after that. */
export async function dieAt(kind: Kind, point: Point, cleaner: Cleaner, patient: boolean): Promise<string[]> {
  const traces = newTraces(kind.bundle)
  await prepare(kind, traces)
  const { signal, code, stderr } = await live(kind, traces, point.label)
  const wrong: string[] = []
  if (signal !== 'SIGKILL') wrong.push(`it was not killed (exit code ${code}) ${stderr}`)
  try {
    // An init without a caller ends by itself, unless it is all set.
    if (patient && !isCreated(traces.id)) wrong.push(...(await lastProcesses(traces)))
    await clean(traces.id, cleaner)
  } catch (error) {
    wrong.push(String(error))
  }
  wrong.push(...filesOf(traces), ...(await lastProcesses(traces)))
  return wrong.map((what) => `${point.label}: ${what}`)
}

function isCreated(id: string): boolean {
  const path = `/run/oci-ts/${id}/state.json`
  return existsSync(path) && /"pid":[1-9]/.test(readFileSync(path, 'utf8'))
}

/** The processes of a life that don't end in time. */
async function lastProcesses(traces: Traces): Promise<string[]> {
  const deadline = Date.now() + END_TIMEOUT_MS
  for (;;) {
    const processes = processesOf(traces)
    if (processes.length === 0 || Date.now() > deadline) return processes
    await sleep(5)
  }
}

async function clean(id: string, cleaner: Cleaner): Promise<void> {
  if (cleaner !== 'library') {
    const command = ['delete', '--force', id]
    const { code, stderr } =
      cleaner === 'command' ? await run('cli', ...command) : await callCommandLine(command)
    if (code !== 0 || stderr !== '') throw new Error(`delete --force: exit code ${code}: ${stderr}`)
    return
  }
  // What is half made is no reason not to list the rest.
  await Container.list()
  // What there is no record of can't be loaded: it goes by its id.
  if (!existsSync(`/run/oci-ts/${id}/state.json`)) return Container.remove(id, { force: true })
  const unfinished = !isCreated(id)
  const container = await Container.load(id)
  if (unfinished) await expectStopped(container)
  await container.delete({ force: true })
}

/** A container whose creator died halfway is good for nothing but to be deleted. */
async function expectStopped(container: Container): Promise<void> {
  const { status, pid } = await container.state()
  const refused = await Promise.allSettled([
    container.start(),
    container.kill(),
    container.exec({ args: ['true'] }),
    container.pause(),
    container.stats(),
  ])
  const right =
    status === 'stopped' &&
    pid === 0 &&
    refused.every((result) => result.status === 'rejected' && isOciError(result.reason, 'ERR_OCI_STATE'))
  if (!right) throw new Error(`it is ${status} (${pid}), and does ${JSON.stringify(refused)}`)
}

async function callCommandLine(command: string[]) {
  const [read, write] = native().pipe()
  const io = { cwd: '/', env: process.env, signals: { listen: () => () => {} } }
  const code = await main(command, { ...io, stdio: [-1, write, write] })
  native().close(write)
  const stderr = readFileSync(read, 'utf8')
  native().close(read)
  return { code, stderr }
}

/** Does something with every item, some at a time. */
export async function forEach<T>(
  items: readonly T[],
  width: number,
  action: (item: T, index: number) => Promise<void>,
) {
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const index = next++
      await action(items[index]!, index)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}
