import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { writeIdMaps } from '../../../lib/runtime/idmap.ts'
import { failure, until } from './support.ts'

const ids = [{ containerID: 0, hostID: 100000, size: 1 }]
const maps = { uid: ids, gid: ids, denySetgroups: false, helpers: false }

/** A process in a user namespace that has no maps yet. */
async function unmapped() {
  const child = spawn('unshare', ['--user', 'sleep', '1000'], { stdio: 'ignore' })
  const own = readlinkSync('/proc/self/ns/user')
  await until(() => readlinkSync(`/proc/${child.pid}/ns/user`) !== own, 'a user namespace')
  return { child, map: () => readFileSync(`/proc/${child.pid}/uid_map`, 'utf8').trim() }
}

test('maps go to the process of the pidfd, not to another that has its pid by now', async () => {
  const { child, map } = await unmapped()
  const gone = spawn('sleep', ['1000'], { stdio: 'ignore' })
  await once(gone, 'spawn')
  const stale = native().pidfdOpen(gone.pid!)
  const pidfd = native().pidfdOpen(child.pid!)
  try {
    gone.kill('SIGKILL')
    await once(gone, 'exit')
    const error = await failure(writeIdMaps(maps, child.pid!, stale, 'c'), 'ERR_OCI_STEP_FAILED')
    expect(error.errnoName).toBe('ESRCH')
    expect(map()).toBe('')
    await writeIdMaps(maps, child.pid!, pidfd, 'c')
    expect(map()).toMatch(/^0\s+100000\s+1$/)
  } finally {
    for (const fd of [stale, pidfd]) native().close(fd)
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
