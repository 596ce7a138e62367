import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeRootfs } from '../harness/rootfs.ts'
import { createShell, failure } from '../integration/runtime/support.ts'

/** A container whose /dev is the image's own directory. */
const create = (rootfs: string) =>
  createShell('true', {}, (config) => {
    config.root = { path: rootfs }
    config.mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }]
  })

test.for([
  ['a file', (path: string) => writeFileSync(path, '')],
  ['another device', (path: string) => execFileSync('mknod', [path, 'c', '1', '11'])],
  ['a block device', (path: string) => execFileSync('mknod', [path, 'b', '1', '5'])],
] as const)('%s of the image in the place of a device is not taken for it', async ([_, make]) => {
  const rootfs = makeRootfs()
  const path = join(rootfs, 'dev/zero')
  rmSync(path, { force: true })
  make(path)
  const error = await failure(create(rootfs), 'ERR_OCI_STEP_FAILED')
  expect(error).toMatchObject({ step: 'device', errnoName: 'EEXIST' })
  rmSync(path)
  await (await create(rootfs)).delete()
})
