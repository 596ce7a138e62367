import { rmdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Config } from 'oci-ts'
import { expect, test } from 'vitest'
import { slowness } from '../../harness/checkout.ts'
import { tempDir } from '../../harness/temp.ts'
import { dieAt, forEach, type Kind, pointsOf } from './crash/lives.ts'
import type { Point } from './crash/tripwire.ts'
import { bundleOf, shellConfig } from './support.ts'

const LANES = 4
const TIMEOUT = 120_000 * slowness
const LIFE = ['create', 'start', 'delete'] as const

/** Steps that a life has died at already, in a test before. */
const seen = new Set<string>()

function isNew({ content }: Point): boolean {
  const isNew = content === null || !seen.has(content)
  if (content !== null) seen.add(content)
  return isNew
}

/**
 * Lives to the end once, to learn all its points, then dies at each of them that is wanted (steps that no test before was
 * at, unless told otherwise). What a death leaves is taken away by `Container.load` and `delete` or by the command line, in
 * turn; half of the time at once, half of the time when init has ended by itself.
 *
 * @returns the labels of the points, and what was wrong
 */
async function dieEverywhere(
  kind: Kind,
  isWanted: (point: Point) => boolean = isNew,
): Promise<{ labels: string[]; wrong: string[] }> {
  const points = (await pointsOf(kind)).filter(isWanted)
  const wrong: string[] = []
  await forEach(points, LANES, async (point, index) => {
    const cleaner = index % 2 === 0 ? 'library' : index % 8 === 1 ? 'command' : 'command line'
    wrong.push(...(await dieAt(kind, point, cleaner, index % 3 > 0)))
  })
  return { labels: points.map(({ label }) => label), wrong }
}

async function bundleWith(change?: (config: Config) => void): Promise<string> {
  return (await bundleOf(shellConfig(['sleep', '1000'], change))).dir
}

/** Every part of a life has been died in. */
function expectParts(labels: string[], ...parts: (string | RegExp)[]): void {
  for (const part of parts) expect(labels).toContainEqual(expect.stringMatching(part))
}

test('the default config', { timeout: TIMEOUT }, async () => {
  const { labels, wrong } = await dieEverywhere({ bundle: await bundleWith(), acts: LIFE })
  expect(wrong).toEqual([])
  expectParts(
    labels,
    /^create\/batch 2\/\d+ spawn/,
    /^create\/batch 1\/\d+ mkdir/,
    /\/init\/\d+ pivotRoot/,
    /\/init\/\d+ waitStart/,
  )
  expectParts(labels, /\/tail\/\d+ exec/, /^start\/after send 0/, /^delete\/batch 0\/\d+ removeTree/)
})

test('a user namespace, and all others', { timeout: TIMEOUT }, async () => {
  const bundle = await bundleWith(({ linux }) => {
    for (const type of ['user', 'cgroup', 'time'] as const) linux!.namespaces!.push({ type })
    linux!.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    linux!.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
    linux!.timeOffsets = { boottime: { secs: 10 } }
  })
  const { labels, wrong } = await dieEverywhere({ bundle, acts: LIFE })
  expect(wrong).toEqual([])
  expectParts(labels, /^create\/message sync 0/, /^create\/message stage 0/, /\/init\/\d+ fork/)
})

test('all hooks', { timeout: TIMEOUT }, async () => {
  // Each with an argument of its own, for else one of them would be as good as the other.
  const hook = (kind: string) => [{ path: '/bin/true', args: ['true', kind] }]
  const bundle = await bundleWith((config) => {
    config.hooks = {
      prestart: hook('prestart'),
      createRuntime: hook('createRuntime'),
      createContainer: hook('createContainer'),
      startContainer: hook('startContainer'),
      poststart: hook('poststart'),
      poststop: hook('poststop'),
    }
  })
  const { labels, wrong } = await dieEverywhere({ bundle, acts: LIFE })
  expect(wrong).toEqual([])
  expectParts(labels, /\/init\/\d+ hook/, /\/tail\/\d+ hook/)
  // Programs of the host: prestart and createRuntime, poststart, poststop.
  for (const [act, count] of [
    ['create', 3],
    ['start', 1],
    ['delete', 1],
  ] as const)
    expect(labels.filter((label) => RegExp(`^${act}/.* spawn`).test(label))).toHaveLength(count)
})

test('a terminal, limits and seccomp', { timeout: TIMEOUT }, async () => {
  const bundle = await bundleWith((config) => {
    config.process!.terminal = true
    const { linux } = config
    linux!.resources = {
      ...linux!.resources,
      pids: { limit: 20 },
      memory: { limit: 100_000_000 },
      cpu: { shares: 100 },
    }
    linux!.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
    }
  })
  const { labels, wrong } = await dieEverywhere({ bundle, acts: LIFE })
  expect(wrong).toEqual([])
  expectParts(labels, /^create\/message fd 0/, /\/init\/\d+ console/, /\/tail\/\d+ seccomp/)
})

test('a terminal that goes to a console socket', { timeout: TIMEOUT }, async () => {
  const consoleSocket = join(tempDir(), 'console.sock')
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  await new Promise<void>((resolve) => server.listen(consoleSocket, resolve))
  try {
    const bundle = await bundleWith(({ process }) => {
      process!.terminal = true
    })
    const { labels, wrong } = await dieEverywhere({
      bundle,
      acts: ['create', 'start', 'delete'],
      consoleSocket,
    })
    expect(wrong).toEqual([])
    expectParts(labels, /^create\/after connectStream 0/, /\/init\/\d+ console/)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})

/** Points that are not in a creation or a start, but of the same step over and over only the first. */
function deletion(): (point: Point) => boolean {
  let last = ''
  return ({ label }) => {
    const repeated = last.split(' ').pop() === label.split(' ').pop() && label.endsWith('removeCgroup')
    last = label
    return !repeated && !/^(create|start)\//.test(label)
  }
}

test('deletions: of what was only created, of what has ended', { timeout: TIMEOUT }, async () => {
  const bundle = await bundleWith()
  const created = await dieEverywhere({ bundle, acts: ['create', 'delete'] }, deletion())
  expect(created.wrong).toEqual([])
  expectParts(created.labels, /^delete\/batch 0\/\d+ signal/)
  const ended = await dieEverywhere({ bundle, acts: ['create', 'start', 'kill', 'delete'] }, deletion())
  expect(ended.wrong).toEqual([])
  expectParts(ended.labels, /^kill\/.*signal/i, /^delete\/batch 0\/\d+ removeCgroup/)
})

test('deletions in another process: of what runs, of what its creator left unfinished', {
  timeout: TIMEOUT,
}, async () => {
  const bundle = await bundleWith()
  const running = await dieEverywhere(
    { bundle, acts: ['load', 'delete'], before: { acts: ['create', 'start'], target: null } },
    deletion(),
  )
  expect(running.wrong).toEqual([])
  expectParts(running.labels, /^delete\/batch 0\/\d+ signal/)
  const unfinished = await dieEverywhere(
    { bundle, acts: ['remove'], before: { acts: ['create'], target: 'create/batch 0/end nop' } },
    deletion(),
  )
  expect(unfinished.wrong).toEqual([])
  expectParts(unfinished.labels, /^remove\/batch 0\/\d+ lock/, /^remove\/batch 1\/\d+ removeCgroup/)
})

test('these tests notice a runtime that makes before it records', { timeout: TIMEOUT }, async () => {
  // A limit of processes, so that the cgroup is made in the batch that records it.
  const bundle = await bundleWith(({ linux }) => {
    linux!.resources = { ...linux!.resources, pids: { limit: 100 } }
  })
  const kind: Kind = { bundle, acts: ['create'], recordLate: true }
  const points = await pointsOf(kind)
  const made = points.findLastIndex(({ label }) =>
    /^create\/batch 0\/\d+ (mkdir|checkCgroupEmpty)/.test(label),
  )
  const write = points.findIndex(({ label }, index) => index > made && / write\b/.test(label))
  expect(write).toBeGreaterThan(made)
  const wrong = (
    await Promise.all(
      ['library', 'command line'].map((cleaner) => dieAt(kind, points[write]!, cleaner as never, true)),
    )
  ).flat()
  const left = wrong.map((text) => /: cgroup (.*)/.exec(text)?.[1])
  for (const cgroup of left) if (cgroup !== undefined) rmdirSync(cgroup)
  expect(left.length).toBeGreaterThan(1)
  expect(left).not.toContain(undefined)
})
