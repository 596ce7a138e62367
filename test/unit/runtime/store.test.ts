import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { defaultRoot, listIds, readRecord, stateRoot } from '../../../lib/runtime/store.ts'
import { tempDir } from '../../harness/temp.ts'

const { XDG_RUNTIME_DIR } = process.env
afterEach(() => {
  if (XDG_RUNTIME_DIR === undefined) delete process.env.XDG_RUNTIME_DIR
  else process.env.XDG_RUNTIME_DIR = XDG_RUNTIME_DIR
})

test('the default root', () => {
  process.env.XDG_RUNTIME_DIR = '/run/user/7'
  expect(defaultRoot()).toBe(process.geteuid!() === 0 ? '/run/oci-ts' : '/run/user/7/oci-ts')
})

test('a root is made absolute, and is not /', () => {
  expect(stateRoot('/a/../b/')).toBe('/b')
  for (const root of ['', '/', '/..', 'a\0b', 3])
    expect(() => stateRoot(root as never)).toThrow('root: expected')
})

test('only directories with proper names are containers', async () => {
  const root = tempDir()
  for (const name of ['b', 'a', '.hidden', 'with space']) mkdirSync(join(root, name))
  writeFileSync(join(root, 'file'), '')
  symlinkSync('a', join(root, 'link'))
  expect(await listIds(root)).toEqual(['a', 'b'])
  expect(await listIds(join(root, 'nowhere'))).toEqual([])
})

test('a state is read only from a regular file of our own', async () => {
  const root = tempDir()
  await expect(readRecord(root, 'x')).rejects.toThrow(expect.objectContaining({ code: 'ERR_OCI_NOT_FOUND' }))
  mkdirSync(join(root, 'x'))
  expect(await readRecord(root, 'x')).toBe(null)
  symlinkSync('/etc/passwd', join(root, 'x', 'state.json'))
  await expect(readRecord(root, 'x')).rejects.toThrow(expect.objectContaining({ code: 'ERR_OCI_STATE' }))
  mkdirSync(join(root, 'y'))
  mkdirSync(join(root, 'y', 'state.json'))
  await expect(readRecord(root, 'y')).rejects.toThrow(expect.objectContaining({ code: 'ERR_OCI_STATE' }))
  await expect(readRecord(root, '../x')).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_OCI_ID_INVALID' }),
  )
})
