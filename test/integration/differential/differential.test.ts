import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Peers, peers, peersHint } from '../../harness/peers.ts'
import { mountsBelow } from '../../harness/temp.ts'
import { cgroupCases } from './cgroup-cases.ts'
import { hookCases } from './hook-cases.ts'
import { linuxCases } from './linux-cases.ts'
import { mountCases } from './mount-cases.ts'
import { namespaceCases } from './namespace-cases.ts'
import { differences } from './normalize.ts'
import { optionCases } from './option-cases.ts'
import { processCases } from './process-cases.ts'
import { rootCases } from './root-cases.ts'
import { type Case, observe, type RuntimeName } from './runtimes.ts'
import { seccompCases } from './seccomp-cases.ts'

const found = peers()
const cases = [
  ...processCases,
  ...namespaceCases,
  ...linuxCases,
  ...cgroupCases,
  ...seccompCases,
  ...rootCases,
  ...mountCases,
  ...optionCases,
  ...hookCases,
]

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
      const refusal = (name: RuntimeName, report: Promise<unknown>) =>
        expect(report, `${name} refuses: ${which.refused?.[name]}`).rejects.toThrow()
      const mine = observe('oci-ts', which, found as Peers, elsewhere)
      if (which.refused?.['oci-ts']) await refusal('oci-ts', mine)
      const ours = which.refused?.['oci-ts'] ? {} : await mine
      for (const [path, value] of Object.entries(which.sees ?? {}))
        expect(ours[path], path).toBe(JSON.stringify(value))
      for (const peer of ['runc', 'crun'] as const) {
        if (which.kept?.[peer]) continue
        const report = observe(peer, which, found as Peers, elsewhere)
        if (which.refused?.[peer]) {
          await refusal(peer, report)
          continue
        }
        const theirs = await report
        const differing = differences(ours, theirs)
        const exceptions = Object.entries(which.except?.[peer] ?? {})
        const excepted = exceptions.map(([pattern]) => pattern)
        const stale = exceptions.filter(
          ([pattern, why]) =>
            !why.startsWith('sometimes') && !Object.keys(differing).some((path) => matches(path, pattern)),
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
