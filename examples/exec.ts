/**
 * A container that stays, and processes that are run in it.
 *
 *     node dist/examples/exec.js
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Container, hostBundle } from 'oci-ts'

const directory = await mkdtemp(join(tmpdir(), 'oci-ts-exec-'))
try {
  const bundle = await hostBundle(directory, { args: ['sleep', 'infinity'] })
  await using container = await Container.create(`exec-${process.pid}`, { bundle, stdio: 'ignore' })
  await container.start()

  const writer = await container.exec({ args: ['sh', '-c', 'cat > /tmp/note'] })
  writer.stdin?.end('written by one process, read by another\n')
  await writer.wait()

  const reader = await container.exec({ args: ['cat', '/tmp/note'] })
  reader.stdout?.pipe(process.stdout)
  const { exitCode } = await reader.wait()
  console.log(`exit code ${exitCode}; processes now: ${await container.processes()}`)
} finally {
  await rm(directory, { recursive: true, force: true })
}
