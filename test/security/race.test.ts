import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Config } from '../../types/index.ts'
import { slowness } from '../harness/checkout.ts'
import { exchangeBinary } from '../harness/programs.ts'
import { mountsBelow } from '../harness/temp.ts'
import { hostile, runScript } from './hostile.ts'

const SECONDS = 3
/** How often at least, on a machine that is too slow for more. */
const TIMES = 6

/** Exchanges two names all the time while `work` runs. */
async function whileExchanging(a: string, b: string, work: () => Promise<void>): Promise<void> {
  const racer = spawn(exchangeBinary(), [a, b], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(racer.stdout, 'data')
  try {
    await work()
  } finally {
    racer.kill('SIGKILL')
    await once(racer, 'exit')
  }
}

/** Tries for some seconds; counts how often the container ran, and how often it was refused. */
async function tryOften(
  attempt: () => Promise<void>,
  check: () => void,
): Promise<[ran: number, refused: number]> {
  const end = Date.now() + SECONDS * 1000 * slowness
  let ran = 0
  let refused = 0
  while (Date.now() < end || ran + refused < TIMES) {
    await attempt().then(
      () => ran++,
      () => refused++,
    )
    check()
  }
  return [ran, refused]
}

/** Where something is mounted, but for directories of tests, others of which run beside this one. */
const outsideMounts = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => !path.startsWith(`${tmpdir()}/`))
    .sort()

test('CVE-2021-30465, CVE-2024-45310: exchanging a directory and a symlink below a volume', async () => {
  const image = hostile()
  const volume = join(image.bundle, 'volume')
  mkdirSync(join(volume, 'dir'), { recursive: true })
  symlinkSync(image.outside, join(volume, 'link'))
  const before = outsideMounts()
  const change = (config: Config) => {
    config.mounts?.push(
      { destination: '/vol', source: volume, options: ['rbind'] },
      { destination: '/vol/dir/made/deep', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/vol/dir/file', source: join(image.bundle, 'config.json'), options: ['bind'] },
    )
  }
  await whileExchanging(join(volume, 'dir'), join(volume, 'link'), async () => {
    const [ran, refused] = await tryOften(
      async () => void (await runScript(image, 'true', change)),
      () => expect(readdirSync(image.outside)).toEqual([]),
    )
    expect(ran).toBeGreaterThan(0)
    expect(ran + refused).toBeGreaterThanOrEqual(TIMES)
  })
  expect(mountsBelow(image.bundle)).toEqual([])
  expect(outsideMounts()).toEqual(before)
})

test('exchanging /dev and a symlink while devices are made', async () => {
  const image = hostile()
  symlinkSync(image.outside, join(image.rootfs, 'devlink'))
  const change = (config: Config) => {
    config.mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'))
  }
  await whileExchanging(join(image.rootfs, 'dev'), join(image.rootfs, 'devlink'), async () => {
    const [ran, refused] = await tryOften(
      async () => void (await runScript(image, 'true', change)),
      () => expect(readdirSync(image.outside)).toEqual([]),
    )
    expect(ran).toBeGreaterThan(0)
    expect(ran + refused).toBeGreaterThanOrEqual(TIMES)
  })
})
