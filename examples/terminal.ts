/**
 * A shell at a terminal of its own in a container, connected to this terminal.
 *
 *     node dist/examples/terminal.js
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Container, hostBundle } from 'oci-ts'

const directory = await mkdtemp(join(tmpdir(), 'oci-ts-terminal-'))
try {
  const bundle = await hostBundle(directory, { args: ['sh'], terminal: true })
  await using container = await Container.create(`terminal-${process.pid}`, { bundle })
  const { pty } = container
  if (pty === null) throw new Error('no terminal')
  const { stdin, stdout } = process
  const resize = () => pty.resize({ rows: stdout.rows ?? 24, columns: stdout.columns ?? 80 })
  resize()
  stdout.on('resize', resize)
  if (stdin.isTTY) stdin.setRawMode(true)
  stdin.pipe(pty)
  pty.pipe(stdout, { end: false })
  await container.start()
  const { exitCode } = await container.wait()
  if (stdin.isTTY) stdin.setRawMode(false)
  stdin.destroy()
  process.exitCode = exitCode ?? 1
} finally {
  await rm(directory, { recursive: true, force: true })
}
