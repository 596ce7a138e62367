import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { watchFds } from '../../harness/leaks.ts'
import { makeRootfs } from '../../harness/rootfs.ts'
import { mountsBelow } from '../../harness/temp.ts'

test('a descriptor that stays open is found, one that is closed is not', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'leak-'))
  const check = await watchFds()
  expect(await check()).toEqual([])
  const fd = openSync(dir, 'r')
  expect(await check()).toEqual([`fd ${fd} → ${dir}`])
  closeSync(fd)
  expect(await check()).toEqual([])
  rmSync(dir, { recursive: true })
})

test('mount points below a directory are found, siblings with a longer name are not', () => {
  expect(mountsBelow('/proc')).toContain('/proc')
  expect(mountsBelow('/pro')).toEqual([])
})

test('the root filesystem has the applets and empty mount points', () => {
  const root = makeRootfs()
  expect(readdirSync(join(root, 'bin'))).toEqual(expect.arrayContaining(['busybox', 'ls', 'sh']))
  expect(readdirSync(join(root, 'proc'))).toEqual([])
  expect(readdirSync(root)).toContain('probe')
})
