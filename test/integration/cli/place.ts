import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { CliIo } from '../../../lib/cli/io.ts'
import { main } from '../../../lib/cli/main.ts'
import { makeRootfs } from '../../harness/rootfs.ts'
import { tempDir } from '../../harness/temp.ts'

/** What a command line came to. */
export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** A bundle, with a root for its containers' state. */
export interface Place {
  dir: string
  root: string
}

let serial = 0

/** Runs one command line with standard streams of its own, as a resident process would. */
export async function cli(
  { dir, root }: Place,
  args: string[],
  input = '',
  world: Partial<CliIo> = {},
): Promise<Ran> {
  const path = (name: string) => join(dir, `${name}-${serial}`)
  serial++
  writeFileSync(path('in'), input)
  const fds = [openSync(path('in'), 'r'), openSync(path('out'), 'w'), openSync(path('err'), 'w')] as const
  try {
    const code = await main(['--root', root, ...args], {
      cwd: dir,
      env: { PATH: '/usr/bin:/bin' },
      stdio: fds,
      signals: { listen: () => () => {} },
      ...world,
    })
    return { code, stdout: readFileSync(path('out'), 'utf8'), stderr: readFileSync(path('err'), 'utf8') }
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

/** A config as JSON.parse gives it. */
// biome-ignore lint/suspicious/noExplicitAny: the tests reach deep into it
export type Loose = any

/** Changes a bundle's config.json. */
export function changeConfig({ dir }: Pick<Place, 'dir'>, change: (config: Loose) => void): void {
  const path = join(dir, 'config.json')
  const config = JSON.parse(readFileSync(path, 'utf8'))
  change(config)
  writeFileSync(path, JSON.stringify(config))
}

/** A bundle by `oci-ts spec` with a busybox root filesystem. */
export async function place(args: string[], change: (config: Loose) => void = () => {}): Promise<Place> {
  const dir = tempDir()
  const made = { dir, root: join(dir, 'state') }
  mkdirSync(made.root)
  mkdirSync(join(dir, 'rootfs'))
  makeRootfs({ dir: join(dir, 'rootfs') })
  expect(await cli(made, ['spec'])).toEqual({ code: 0, stdout: '', stderr: '' })
  changeConfig(made, (config) => {
    config.process.terminal = false
    config.process.args = args
    change(config)
  })
  return made
}
