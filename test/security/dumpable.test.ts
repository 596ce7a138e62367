import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeRootfs } from '../harness/rootfs.ts'
import { tempDir } from '../harness/temp.ts'
import { createShell } from '../integration/runtime/support.ts'

const HOST_ID = 100_000

/** The owner of a process's files in /proc: its user if it is dumpable, which lets him trace it; else root. */
const owner = (pid: number) => statSync(`/proc/${pid}/environ`).uid

test('an init that waits can’t be traced by the users of its container', async () => {
  const dir = tempDir()
  chmodSync(dir, 0o755)
  const rootfs = join(dir, 'rootfs')
  mkdirSync(rootfs)
  makeRootfs({ dir: rootfs })
  await using container = await createShell(['sleep', '1000'], { stdio: 'ignore' }, (config) => {
    const ids = [{ containerID: 0, hostID: HOST_ID, size: 65_536 }]
    config.root = { path: rootfs }
    Object.assign(config.linux!, { uidMappings: ids, gidMappings: ids })
    config.linux!.namespaces!.push({ type: 'user' })
  })
  expect(owner(container.pid)).toBe(0)
  await container.start()
  expect(owner(container.pid)).toBe(HOST_ID)
})
