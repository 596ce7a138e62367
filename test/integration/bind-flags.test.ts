import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Bundle, type Config, run, spec } from 'oci-ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peers } from '../harness/peers.ts'
import { makeBundle } from '../harness/rootfs.ts'
import { tempDir } from '../harness/temp.ts'
import { freshId } from './runtime/support.ts'

// What becomes of the flags of the host's mount when it is bound with options. As with runc, options say all that shall
// hold of ro, nosuid, nodev and noexec; without any the mount keeps what it has. In a user namespace what the host has
// set is locked: it stays, and a config that takes it away is refused.

let source: string

beforeAll(() => {
  source = tempDir('oci-ts-flags-')
  execFileSync('mount', ['-t', 'tmpfs', 'volume', source])
  mkdirSync(join(source, 'sub'))
  execFileSync('mount', ['-t', 'tmpfs', 'volume', join(source, 'sub')])
  for (const path of [source, join(source, 'sub')])
    execFileSync('mount', ['-o', 'remount,bind,ro,nosuid,nodev,noexec', path])
})

afterAll(() => {
  execFileSync('umount', ['-R', source])
})

function bundleWith(options: string[], change: (config: Config) => void): string {
  const directory = makeBundle({})
  mkdirSync(join(directory, 'rootfs/data'))
  const config = spec()
  config.process = {
    ...config.process,
    cwd: '/',
    terminal: false,
    args: ['sed', '-n', 's,^.* \\(/data[^ ]*\\) \\([^ ]*\\) .*,\\1 \\2,p', '/proc/self/mountinfo'],
  }
  config.mounts = config.mounts!.filter(({ type }) => type !== 'cgroup')
  config.mounts.push({ destination: '/data', type: 'bind', source, options: ['rbind', ...options] })
  change(config)
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
  return directory
}

async function ours(bundle: string): Promise<string> {
  const { stdout } = await run({ bundle: await Bundle.load(bundle) })
  return stdout
}

function runc(bundle: string): string | null {
  const found = peers()
  if (found === null) return null
  const { stdout, status } = spawnSync(found.runc, ['run', '-b', bundle, freshId()], { encoding: 'utf8' })
  return status === 0 ? stdout : 'refused'
}

const ALL = 'ro,nosuid,nodev,noexec,relatime'

describe('as root', () => {
  test.each([
    ['', ALL, ALL],
    ['ro', 'ro,relatime', ALL],
    ['rw', 'rw,relatime', ALL],
    ['nosuid', 'rw,nosuid,relatime', ALL],
    ['suid', 'rw,relatime', ALL],
    ['nodev', 'rw,nodev,relatime', ALL],
    ['dev', 'rw,relatime', ALL],
    ['noexec', 'rw,noexec,relatime', ALL],
    ['exec', 'rw,relatime', ALL],
    ['ro nosuid', 'ro,nosuid,relatime', ALL],
    ['nosuid rw', 'rw,nosuid,relatime', ALL],
    ['rw suid dev exec', 'rw,relatime', ALL],
    ['ro nosuid nodev noexec', ALL, ALL],
    // The recursive ones change just what they name.
    ['rrw', 'rw,nosuid,nodev,noexec,relatime', 'rw,nosuid,nodev,noexec,relatime'],
    ['rsuid rdev', 'ro,noexec,relatime', 'ro,noexec,relatime'],
    ['rro', ALL, ALL],
    ['ro rnosuid', 'ro,nosuid,relatime', ALL],
  ])('"%s": %s', async (options, own, below) => {
    const bundle = bundleWith(options.split(' ').filter(Boolean), () => {})
    const expected = `/data ${own}\n/data/sub ${below}\n`
    expect(await ours(bundle)).toBe(expected)
    expect(runc(bundle) ?? expected).toBe(expected)
  })
})

describe('in a user namespace', () => {
  const asUser = ({ linux }: Config) => {
    linux!.namespaces!.push({ type: 'user' })
    linux!.uidMappings = linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
  }

  test.each(['', 'ro', 'nosuid', 'nodev', 'noexec', 'ro nosuid', 'ro nosuid nodev noexec', 'rro'])(
    '"%s" keeps all',
    async (options) => {
      const bundle = bundleWith(options.split(' ').filter(Boolean), asUser)
      const expected = `/data ${ALL}\n/data/sub ${ALL}\n`
      expect(await ours(bundle)).toBe(expected)
      expect(runc(bundle) ?? expected).toBe(expected)
    },
  )

  test.each([
    'rw',
    'suid',
    'dev',
    'exec',
    'nosuid rw',
    'rrw',
    'rsuid rdev',
    'noatime',
    'strictatime',
    'nodiratime',
  ])('"%s" is refused', async (options) => {
    const bundle = bundleWith(options.split(' '), asUser)
    await expect(ours(bundle)).rejects.toThrow(/is locked in this user namespace/)
    expect(runc(bundle) ?? 'refused').toBe('refused')
  })
})
