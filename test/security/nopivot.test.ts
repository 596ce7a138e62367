import type { Config } from 'oci-ts'
import { describe, expect, test } from 'vitest'
import { createShell, textOf } from '../integration/runtime/support.ts'

/**
 * Whoever sees an unmasked procfs anywhere in his mount namespace may mount a new one (mount_too_revealing() of the
 * kernel). Without pivot_root(2) the host's tree stays below the container's, out of sight; its procfs must not count.
 */
const NEW_PROC =
  'unshare --user --map-root-user --pid --fork --mount sh -c "mount -t proc proc /mnt && ls /mnt/version"'

async function newProc(noPivot: boolean, change?: (config: Config) => void): Promise<string> {
  await using container = await createShell(`${NEW_PROC} 2>&1`, { noPivot }, (config) => {
    config.process!.user = { uid: 1000, gid: 1000 }
    change?.(config)
  })
  const output = textOf(container.stdout)
  await container.start()
  await container.wait()
  return output
}

describe.for([
  ['pivot_root', false],
  ['noPivot', true],
] as const)('%s', ([_, noPivot]) => {
  test('a new procfs would show what is masked, and is refused', async () => {
    expect(await newProc(noPivot)).toMatch(/permi(t|ssion)/i)
  })

  test('where nothing is masked it is allowed', async () => {
    const output = await newProc(noPivot, (config) => {
      config.linux = { ...config.linux, maskedPaths: [], readonlyPaths: [] }
    })
    expect(output).toBe('/mnt/version\n')
  })
})
