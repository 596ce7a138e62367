import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { peers } from '../../harness/peers.ts'
import { cli, type Loose, type Place, place } from './place.ts'
import { ociTs, program, Running } from './program.ts'

const found = peers()
const HOG = 'tail -c 200m /dev/zero'

const limited = (config: Loose) => {
  config.linux.resources.memory = { limit: 32 << 20, swap: 32 << 20 }
  config.linux.resources.cpu = { quota: 50_000, period: 100_000 }
  config.linux.resources.pids = { limit: 50 }
}

/** A container that runs until the test ends. */
async function running(id: string): Promise<Place & AsyncDisposable> {
  const at = await place(['sleep', '1000'], limited)
  expect(await cli(at, ['run', '--detach', id])).toMatchObject({ code: 0 })
  return {
    ...at,
    async [Symbol.asyncDispose]() {
      await cli(at, ['delete', '--force', id])
    },
  }
}

/** Paths of all members, with what kind of value is there; of lists the first element. */
function shapeOf(value: Loose, path = ''): string[] {
  if (Array.isArray(value)) return [`${path}[]`, ...shapeOf(value[0], `${path}[0]`)]
  if (typeof value !== 'object' || value === null)
    return [`${path}: ${value === null ? 'null' : typeof value}`]
  return Object.keys(value).flatMap((key) => shapeOf(value[key], `${path}/${key}`))
}

test.skipIf(found === null)('events --stats: runc’s members, in runc’s order', async () => {
  await using at = await running('stats-ours')
  const theirs = join(at.dir, 'stats-peer')
  mkdirSync(theirs)
  const runc = (...args: string[]) =>
    spawnSync(found!.runc, ['--root', theirs, ...args], {
      cwd: at.dir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  try {
    spawnSync(found!.runc, ['--root', theirs, 'run', '-d', 'stats-peer'], { cwd: at.dir, stdio: 'ignore' })
    const load = `i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; cat /bin/busybox > /dev/null; ${HOG}`
    await cli(at, ['exec', 'stats-ours', 'sh', '-c', load])
    runc('exec', 'stats-peer', 'sh', '-c', load)
    const us = await cli(at, ['events', '--stats', 'stats-ours'])
    expect(us).toMatchObject({ code: 0, stderr: '' })
    const them = runc('events', '--stats', 'stats-peer').stdout
    expect(us.stdout).toMatch(
      /^\{"type":"stats","id":"stats-ours","data":\{"cpu":\{"usage":\{"total":\d+,.*\}\}\n$/,
    )
    const members = (text: string) => {
      const event = JSON.parse(text)
      // Only who has read from a disk has these, and only the unlucky are throttled or wait.
      const { blkio, cpu, ...data } = event.data
      delete cpu.throttling
      const known = new Set(['max', 'usage', 'cache'])
      const strict = shapeOf({ ...event, data: { cpu, ...data } })
      return strict.filter((path) => !known.has(path.split(': ')[0]!.split('/').at(-1)!))
    }
    expect(members(us.stdout)).toEqual(members(them))
    const limits = (text: string) =>
      [...text.matchAll(/"(?:limit|hierarchical_\w+)":(\d+)/g)].map(([, limit]) => limit)
    expect(limits(us.stdout)).toEqual(limits(them))
  } finally {
    runc('delete', '--force', 'stats-peer')
  }
})

test('events: stats at the interval, an oom, and the end with the container', async () => {
  await using at = await running('events-box')
  const events = await ociTs(['--root', at.root, 'events', '--interval', '100ms', 'events-box'], {
    cwd: at.dir,
  })
  const from = await events.shows(/^\{"type":"stats","id":"events-box","data":\{.*\}\}\n\{"type":"stats"/)
  await cli(at, ['exec', 'events-box', 'sh', '-c', HOG])
  await events.shows(/\{"type":"oom","id":"events-box"\}\n/, from)
  await cli(at, ['kill', 'events-box', 'KILL'])
  const { code, signal, stdout, stderr } = await events.ended
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
  for (const line of stdout.trimEnd().split('\n')) expect(['stats', 'oom']).toContain(JSON.parse(line).type)
  const stopped = await cli(at, ['events', '--stats', 'events-box'])
  expect(stopped).toMatchObject({ code: 1, stdout: '' })
  expect(stopped.stderr).toContain('container with id events-box is not running')
})

test('events ends when nobody reads, and is ended by a signal', async () => {
  await using at = await running('events-box')
  const command = `${process.execPath} ${await program('lib/cli/bin.ts')} --root ${at.root} events --interval 50ms events-box | head -n 1`
  const piped = new Running('bash', ['-c', `${command}; echo "code \${PIPESTATUS[0]}"`], { cwd: at.dir })
  expect((await piped.ended).stdout).toMatch(/^\{"type":"stats".*\}\ncode 141\n$/)
  const events = await ociTs(['--root', at.root, 'events', '--interval', '50ms', 'events-box'], {
    cwd: at.dir,
  })
  await events.shows(/"stats"/)
  events.kill('SIGINT')
  expect(await events.ended).toMatchObject({ signal: 'SIGINT' })
})

test('wrong intervals', async () => {
  await using at = await running('events-box')
  for (const interval of ['0', '-1s']) {
    const { code, stderr } = await cli(at, ['events', `--interval=${interval}`, 'events-box'])
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('interval must be greater'),
    })
  }
  const { code, stdout, stderr } = await cli(at, ['events', '--interval', 'soon', 'events-box'])
  expect(code).toBe(1)
  expect(stdout).toContain('Incorrect Usage: invalid value "soon" for flag -interval: parse error')
  expect(stderr).toContain('parse error')
})
