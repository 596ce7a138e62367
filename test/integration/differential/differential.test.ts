import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Peers, peers, peersHint } from '../../harness/peers.ts'
import { linuxCases } from './linux-cases.ts'
import { mountCases } from './mount-cases.ts'
import { differences } from './normalize.ts'
import { processCases } from './process-cases.ts'
import { type Case, observe } from './runtimes.ts'

const found = peers()

/** How a peer differs in every container. */
const ALWAYS: Record<'runc' | 'crun', Record<string, string>> = {
  runc: {},
  crun: {
    'mounts./sys.superOptions': 'leaves the superblock of a read-only sysfs writable',
    'keyring.session':
      'names the session keyring after the container without a prefix, with other permissions',
  },
}

/** Whether a path is one that an exception names: one `*` stands for anything. */
function matches(path: string, pattern: string): boolean {
  const [head = '', tail] = pattern.split('*')
  return tail === undefined ? path === pattern : path.startsWith(head) && path.endsWith(tail)
}

describe.skipIf(!found)(
  `the same container under oci-ts, runc and crun${found ? '' : ` (${peersHint})`}`,
  () => {
    let outsider: ChildProcess
    let outside: string
    let elsewhere: string

    beforeAll(async () => {
      elsewhere = mkdtempSync('/dev/shm/differential-')
      chmodSync(elsewhere, 0o755)
      outsider = spawn(
        'unshare',
        ['--net', '--ipc', '--uts', 'sh', '-c', 'hostname joined; echo ready; exec sleep 1000'],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      await once(outsider.stdout!, 'data')
      outside = `/proc/${outsider.pid}/ns`
      expect(readlinkSync(`${outside}/net`)).not.toBe(readlinkSync('/proc/self/ns/net'))
    })

    afterAll(async () => {
      rmSync(elsewhere, { recursive: true })
      const ended = once(outsider, 'exit')
      outsider.kill('SIGKILL')
      await ended
    })

    test.each<Case>([...processCases, ...linuxCases, ...mountCases])('$name', async (which) => {
      const ours = await observe('oci-ts', which, found as Peers, { outside, elsewhere })
      for (const [path, value] of Object.entries(which.sees ?? {}))
        expect(ours[path], path).toBe(JSON.stringify(value))
      for (const peer of ['runc', 'crun'] as const) {
        const theirs = observe(peer, which, found as Peers, { outside, elsewhere })
        if (which.refused?.[peer]) {
          await expect(theirs, `${peer} refuses: ${which.refused[peer]}`).rejects.toThrow(peer)
          continue
        }
        const differing = differences(ours, await theirs)
        const excepted = Object.keys(which.except?.[peer] ?? {})
        const stale = excepted.filter(
          (pattern) => !Object.keys(differing).some((path) => matches(path, pattern)),
        )
        expect.soft(stale, `exceptions of ${peer} that are none any more`).toEqual([])
        const allowed = [...excepted, ...Object.keys(ALWAYS[peer])]
        const rest = Object.entries(differing).filter(
          ([path]) => !allowed.some((pattern) => matches(path, pattern)),
        )
        expect.soft(Object.fromEntries(rest), `oci-ts and ${peer}`).toEqual({})
      }
    })
  },
)
