import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { tempDir } from '../harness/temp.ts'
import { bundledLibrary } from '../integration/runtime/node.ts'
import { bundleOf, runShell, shellConfig, textOf } from '../integration/runtime/support.ts'

test('a masked directory is read-only, and takes no devices and no programs', async () => {
  const { stdout } = await runShell('grep " /mnt " /proc/self/mountinfo; ls -la /mnt', (config) => {
    config.linux!.maskedPaths = ['/mnt']
  })
  expect(stdout).toMatch(/ \/mnt ro,nosuid,nodev,noexec,/)
  expect(stdout).toMatch(/dr-xr-xr-x/)
})

test('a null device of the host that is none is not used to mask with', async () => {
  const dir = tempDir()
  const { dir: bundle } = await bundleOf(shellConfig('true'))
  const library = pathToFileURL(await bundledLibrary()).href
  writeFileSync(
    join(dir, 'program.mjs'),
    `import { Container } from ${JSON.stringify(library)}
    const error = await Container.create('null', { bundle: ${JSON.stringify(bundle)} }).then(
      (container) => container.delete({ force: true }).then(() => ({ code: 'created' })),
      (error) => error,
    )
    console.log(error.code, error.step, error.message)`,
  )
  writeFileSync(join(dir, 'fake'), '')
  const script = 'mount --bind "$1/fake" /dev/null && exec "$2" "$1/program.mjs"'
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', dir, process.execPath])
  expect(await textOf(child.stdout)).toMatch(/^ERR_OCI_STEP_FAILED keepNull .*not the null device/)
})
