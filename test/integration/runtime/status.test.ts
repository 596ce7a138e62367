import { existsSync, fstatSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { ExitWatch } from '../../../lib/runtime/exit.ts'
import { tempDir } from '../../harness/temp.ts'
import { createShell } from './support.ts'

test('a process that gives itself init’s name is running all the same', async () => {
  const root = tempDir()
  await using container = await createShell('printf oci-ts:created > /proc/self/comm; echo done; read x', {
    root,
  })
  expect((await container.state()).status).toBe('created')
  // Neither the directory nor the socket lets anybody else start it.
  const mode = (...names: string[]) => statSync(join(root, container.id, ...names)).mode & 0o777
  expect([mode(), mode('start.sock'), mode('state.json')]).toEqual([0o700, 0o600, 0o600])
  const said = new Promise((resolve) => container.stdout!.once('data', resolve))
  await container.start()
  await said
  expect((await container.state()).status).toBe('running')
  expect(existsSync(join(root, container.id, 'start.sock'))).toBe(false)
})

test('a pidfd that is lent to a batch stays open beyond the end of its process', async () => {
  await using container = await createShell(['sleep', '1000'], { stdio: 'ignore' })
  await container.start()
  const pidfd = native().pidfdOpen(container.pid)
  const watch = new ExitWatch(pidfd)
  const release = watch.lend()
  await container.kill('SIGKILL')
  await watch.ended()
  expect(watch.pidfd).toBe(-1)
  expect(readlinkSync(`/proc/self/fd/${pidfd}`)).toContain('pidfd')
  release()
  release()
  expect(() => fstatSync(pidfd)).toThrow('EBADF')
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
})
