import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mountsBelow } from '../harness/temp.ts'
import { failure, hostile, runScript } from './hostile.ts'

test.each(['proc', 'sys'])('CVE-2019-19921: /%s must be a real directory', async (name) => {
  const image = hostile()
  rmSync(join(image.rootfs, name), { recursive: true })
  mkdirSync(join(image.rootfs, 'evil'))
  symlinkSync('evil', join(image.rootfs, name))
  const error = await failure(runScript(image, 'true'))
  expect(error.message).toContain('real directory')
  expect(error.path).toMatch(/^\/mounts\/\d+/)
  expect(mountsBelow(image.bundle)).toEqual([])
})

test('CVE-2023-27561: nor may a symlink lead to where /proc is mounted', async () => {
  const image = hostile()
  mkdirSync(join(image.rootfs, 'real'))
  symlinkSync('real', join(image.rootfs, 'link'))
  const error = await failure(
    runScript(image, 'true', (config) => {
      for (const mount of config.mounts ?? []) {
        if (mount.destination === '/sys') mount.destination = '/link/sys'
      }
    }),
  )
  expect(error.message).toContain('real directory')
})

test('CVE-2026-41579: devices are not made through a symlink /dev of the image', async () => {
  const image = hostile()
  rmSync(join(image.rootfs, 'dev'), { recursive: true })
  symlinkSync(image.outside, join(image.rootfs, 'dev'))
  const { stdout } = await runScript(image, 'ls -l /dev/null; stat -c %F /dev/null', (config) => {
    config.mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'))
  })
  expect(readdirSync(image.outside)).toEqual([])
  // They are where the link leads to inside of the root.
  expect(lstatSync(join(image.rootfs, image.outside, 'null')).isCharacterDevice()).toBe(true)
  expect(stdout).toContain('character special file')
})

test('CVE-2019-18837: a symlink on the way to a mount leads nowhere else', async () => {
  const image = hostile()
  symlinkSync(`../../../../../../../..${image.outside}`, join(image.rootfs, 'etc/evil'))
  writeFileSync(join(image.bundle, 'source'), 'bound\n')
  const { stdout } = await runScript(image, 'cat /etc/evil/deep/file', (config) => {
    config.mounts?.push({
      destination: '/etc/evil/deep/file',
      source: join(image.bundle, 'source'),
      options: ['bind'],
    })
  })
  expect(stdout).toBe('bound\n')
  expect(readdirSync(image.outside)).toEqual([])
})

test('a dangling symlink as target is followed inside of the root only', async () => {
  const image = hostile()
  symlinkSync(join(image.outside, 'planted'), join(image.rootfs, 'target'))
  writeFileSync(join(image.bundle, 'source'), 'bound\n')
  const { stdout } = await runScript(image, 'cat /target', (config) => {
    config.mounts?.push({ destination: '/target', source: join(image.bundle, 'source'), options: ['bind'] })
  })
  expect(stdout).toBe('bound\n')
  expect(existsSync(join(image.outside, 'planted'))).toBe(false)
})

test('a target that is the root itself is refused', async () => {
  const image = hostile()
  symlinkSync('/', join(image.rootfs, 'again'))
  const error = await failure(
    runScript(image, 'true', (config) => {
      config.mounts?.push({ destination: '/again', type: 'tmpfs', source: 'tmpfs' })
    }),
  )
  expect(error.message).toContain('root itself')
})

test('a symlink to the working directory of another process does not lead out', async () => {
  const image = hostile()
  rmSync(join(image.rootfs, 'mnt'), { recursive: true })
  symlinkSync('/proc/1/cwd', join(image.rootfs, 'mnt'))
  const error = await failure(
    runScript(image, 'true', (config) => {
      config.mounts?.push({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs' })
    }),
  )
  expect(error.errno ?? error.code).toBeDefined()
  expect(mountsBelow(image.bundle)).toEqual([])
})

test('CVE-2025-52565: /dev/console of the image may be no symlink', async () => {
  const image = hostile()
  symlinkSync('/proc/sysrq-trigger', join(image.rootfs, 'dev/console'))
  const error = await failure(
    runScript(image, 'true', (config) => {
      if (config.process) config.process.terminal = true
      config.mounts = (config.mounts ?? []).filter(({ destination }) => destination !== '/dev')
    }),
  )
  expect(error.message).toMatch(/symlink/)
})
