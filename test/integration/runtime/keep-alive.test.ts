import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { spec } from '../../../lib/config/spec.ts'
import { checkout } from '../../harness/checkout.ts'
import { makeRootfs } from '../../harness/rootfs.ts'
import { tempDir } from '../../harness/temp.ts'

test('a deletion by force keeps Node alive until it is done, though a running container does not', () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'rootfs'))
  makeRootfs({ dir: join(dir, 'rootfs') })
  const config = spec()
  config.process!.terminal = false
  config.process!.args = ['sleep', '1000']
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config))
  const script = `
    import { Container } from ${JSON.stringify(join(checkout, 'dist/lib/index.js'))}
    const root = ${JSON.stringify(join(dir, 'state'))}
    const container = await Container.create('kept', { bundle: ${JSON.stringify(dir)}, root, stdio: 'ignore' })
    await container.start()
    await container.delete({ force: true })
    console.log('deleted')`
  const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(stdout).toBe('deleted\n')
})
