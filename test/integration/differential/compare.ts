import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Peers, peers, peersHint } from '../../harness/peers.ts'
import { mountsBelow } from '../../harness/temp.ts'
import { differences, type Values } from './normalize.ts'
import { type Case, observe } from './runtimes.ts'

type Peer = 'runc' | 'crun'

/** How a peer differs in every container. */
const ALWAYS: Record<Peer, Record<string, string>> = {
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

/** Tests that each bundle looks the same under oci-ts, runc and crun, but for what its exceptions explain. */
export function compare(cases: readonly Case[]): void {
  const found = peers()
  const title = `the same container under oci-ts, runc and crun${found ? '' : ` (${peersHint})`}`
  describe.skipIf(!found)(title, () => {
    let elsewhere: string

    beforeAll(() => {
      elsewhere = mkdtempSync('/dev/shm/differential-')
      chmodSync(elsewhere, 0o755)
    })

    afterAll(() => {
      // What a case mounted there.
      for (const point of mountsBelow(elsewhere)) execFileSync('umount', [point])
      rmSync(elsewhere, { recursive: true })
    })

    test.each<Case>(cases)('$name', async (which) => {
      const ours = await oursOf(which, found as Peers, elsewhere)
      for (const [path, value] of Object.entries(which.sees ?? {}))
        expect(ours[path], path).toBe(JSON.stringify(value))
      for (const peer of ['runc', 'crun'] as const) {
        if (which.kept?.[peer]) continue
        const report = observe(peer, which, found as Peers, elsewhere)
        if (which.refused?.[peer])
          await expect(report, `${peer} refuses: ${which.refused[peer]}`).rejects.toThrow(peer)
        else expectSame(which, peer, ours, await report)
      }
    })
  })
}

async function oursOf(which: Case, found: Peers, elsewhere: string): Promise<Values> {
  const report = observe('oci-ts', which, found, elsewhere)
  const why = which.refused?.['oci-ts']
  if (!why) return report
  const code = expect.stringMatching(/^ERR_OCI_/)
  await expect(report, `oci-ts refuses: ${why}`).rejects.toMatchObject({ code })
  return {}
}

function expectSame(which: Case, peer: Peer, ours: Values, theirs: Values): void {
  const differing = differences(ours, theirs)
  const exceptions = Object.entries(which.except?.[peer] ?? {})
  const stale = exceptions.filter(
    ([pattern, why]) =>
      !why.startsWith('sometimes') && !Object.keys(differing).some((path) => matches(path, pattern)),
  )
  expect.soft(stale, `exceptions of ${peer} that are none any more`).toEqual([])
  const allowed = [...exceptions.map(([pattern]) => pattern), ...Object.keys(ALWAYS[peer])]
  const rest = Object.entries(differing).filter(
    ([path]) => !allowed.some((pattern) => matches(path, pattern)),
  )
  expect.soft(Object.fromEntries(rest), `oci-ts and ${peer}`).toEqual({})
}
