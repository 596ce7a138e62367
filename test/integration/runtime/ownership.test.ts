import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Container } from 'oci-ts'
import { expect, test } from 'vitest'
import { takeLock } from '../../../lib/runtime/lock.ts'
import { tempDir } from '../../harness/temp.ts'
import { cgroupsOf, createShell, failure, freshId, isAlive } from './support.ts'

test('what a creator left before it owned its cgroup costs nobody his processes', async () => {
  const root = tempDir()
  const path = `/t-shared-${process.pid}`
  await using other = await createShell(['sleep', '1000'], { root, stdio: 'ignore' }, (config) => {
    config.linux!.cgroupsPath = path
  })
  await other.start()
  const pid = other.pid

  // As if it had died when it found the cgroup in use: its state names the cgroup, and nothing in there is its own.
  const id = freshId()
  const record = JSON.parse(readFileSync(join(root, other.id, 'state.json'), 'utf8'))
  mkdirSync(join(root, id), { mode: 0o700 })
  writeFileSync(join(root, id, 'state.json'), JSON.stringify({ ...record, id, pid: 0, startTime: 0 }), {
    mode: 0o600,
  })
  await Container.remove(id, { root, force: true })
  expect(existsSync(join(root, id))).toBe(false)
  expect(isAlive(pid)).toBe(true)
  expect(cgroupsOf(path.slice(1))).not.toEqual([])
})

test('whoever waits for the lock of a container that is deleted meanwhile does not get it', async () => {
  const root = tempDir()
  const id = freshId()
  const directory = join(root, id)
  mkdirSync(directory, { mode: 0o700 })
  const lock = await takeLock(root, id)
  const second = takeLock(root, id)
  await Promise.race([second, sleep(100)])
  // Deleted, and made again by somebody else: that one's lock is another.
  rmSync(directory, { recursive: true })
  mkdirSync(directory, { mode: 0o700 })
  lock.release()
  await failure(second, 'ERR_OCI_NOT_FOUND')
})
