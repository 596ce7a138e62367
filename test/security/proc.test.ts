import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { failure, hostile, runScript } from './hostile.ts'

test('CVE-2019-16884: nothing but proc is mounted on /proc', async () => {
  const error = await failure(
    runScript(hostile(), 'true', (config) => {
      config.mounts?.push({ destination: '/proc', type: 'tmpfs', source: 'tmpfs' })
    }),
  )
  expect(error.code).toBe('ERR_OCI_CONFIG_INVALID')
})

test('a bind on /proc must have a procfs as source', async () => {
  const image = hostile()
  const error = await failure(
    runScript(image, 'true', (config) => {
      config.mounts?.push({ destination: '/proc', source: image.outside, options: ['bind'] })
    }),
  )
  expect(error.message).toContain('procfs')
})

test.each(['/proc/self/attr', '/proc/sys', '/proc/version'])(
  'a symlink of the image brings no mount onto %s',
  async (place) => {
    const image = hostile()
    symlinkSync(place, join(image.rootfs, 'link'))
    const file = place === '/proc/version'
    writeFileSync(join(image.bundle, 'file'), 'evil')
    const error = await failure(
      runScript(image, 'true', (config) => {
        config.mounts?.push(
          file
            ? { destination: '/link', source: join(image.bundle, 'file'), options: ['bind'] }
            : { destination: '/link', type: 'tmpfs', source: 'tmpfs' },
        )
      }),
    )
    expect(error.message).toContain('procfs')
  },
)

test('the files that lxcfs imitates can be bound', async () => {
  const image = hostile()
  writeFileSync(join(image.bundle, 'uptime'), '1.00 1.00\n')
  const { stdout } = await runScript(image, 'cat /proc/uptime', (config) => {
    config.mounts?.push({
      destination: '/proc/uptime',
      source: join(image.bundle, 'uptime'),
      options: ['bind'],
    })
  })
  expect(stdout).toBe('1.00 1.00\n')
})

test('CVE-2025-31133: a /dev/null of the image masks nothing', async () => {
  const image = hostile()
  const core = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
  // A /dev of their own: nothing is made in it.
  const dev = join(image.bundle, 'dev')
  mkdirSync(dev)
  symlinkSync('/proc/sys/kernel/core_pattern', join(dev, 'null'))
  const { stdout, exitCode } = await runScript(
    image,
    'stat -c "%F %t:%T" /proc/keys && echo "|/evil" > /proc/keys && wc -c < /proc/keys',
    (config) => {
      const others = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'))
      config.mounts = [...others, { destination: '/dev', source: dev, options: ['bind'] }]
      if (config.linux) config.linux.maskedPaths = ['/proc/keys']
    },
  )
  expect(stdout).toBe('character special file 1:3\n0\n')
  expect(exitCode).toBe(0)
  expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(core)
})

test('masked directories are empty, read-only, and one for all', async () => {
  const image = hostile()
  const { stdout, stderr } = await runScript(
    image,
    'ls -A /sys/firmware /etc/a /etc/b; touch /sys/firmware/x /etc/a/x; stat -c %d /etc/a /etc/b',
    (config) => {
      if (config.linux) config.linux.maskedPaths = ['/sys/firmware', '/etc/a', '/etc/b', '/etc/a', '/missing']
      for (const name of ['a', 'b']) {
        config.mounts?.push({ destination: `/etc/${name}`, type: 'tmpfs', source: 'tmpfs' })
      }
    },
  )
  const lines = stdout.trim().split('\n')
  const devices = lines.slice(-2)
  expect(lines.slice(0, -2).filter((line) => line && !line.endsWith(':'))).toEqual([])
  expect(stderr.match(/Read-only file system/g)).toHaveLength(2)
  expect(devices[0]).toMatch(/^\d+$/)
  expect(devices[0]).toBe(devices[1])
})

test('CVE-2025-52881: sysctls go through a procfs of the runtime', async () => {
  const image = hostile()
  const { stdout } = await runScript(image, 'cat /proc/sys/kernel/domainname', (config) => {
    if (config.linux) config.linux.sysctl = { 'kernel.domainname': 'set.example' }
  })
  expect(stdout).toBe('set.example\n')
  // Without a /proc of the config the image's directory is there in its place: it gets nothing.
  writeFileSync(join(image.rootfs, 'proc/marker'), '')
  const plain = await runScript(image, 'ls -A /proc', (config) => {
    config.mounts = (config.mounts ?? []).filter(({ destination }) => destination !== '/proc')
    if (config.linux) config.linux.sysctl = { 'kernel.domainname': 'set.example' }
  })
  expect(plain.stdout).toBe('marker\n')
  expect(existsSync(join(image.rootfs, 'proc/sys'))).toBe(false)
})

test.each(['kernel.domainname/../../self/comm', 'net/../../self/comm'])(
  'a sysctl %s is refused',
  async (name) => {
    await failure(
      runScript(hostile(), 'true', (config) => {
        if (config.linux) config.linux.sysctl = { [name]: 'x' }
      }),
    )
  },
)
