/**
 * A container for each test, by `node:test`: it is gone at the end of its block, however that ends.
 *
 *     node --test dist/examples/test-harness.js
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Bundle, Container, hostBundle, run } from 'oci-ts'

let bundle: Bundle
let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oci-ts-test-'))
  bundle = await hostBundle(directory, { args: ['sh', '-c', 'echo ready; exec sleep infinity'] })
})
after(() => rm(directory, { recursive: true, force: true }))

test('each test has a file system of its own', async () => {
  for (const id of ['one', 'two']) {
    await using container = await Container.create(`test-${process.pid}-${id}`, { bundle, stdio: 'ignore' })
    await container.start()
    const child = await container.exec({ args: ['sh', '-c', 'test ! -e /tmp/mark && touch /tmp/mark'] })
    assert.equal((await child.wait()).exitCode, 0)
  }
})

test('what takes too long is killed, with all that it started', async () => {
  const { timedOut } = await run({ bundle, args: ['sh', '-c', 'sleep 60 & sleep 60'], timeoutMs: 200 })
  assert.equal(timedOut, true)
})

test('memory is limited', { skip: process.geteuid?.() !== 0 }, async () => {
  const { outOfMemory } = await run({
    bundle,
    args: ['sh', '-c', 'head -c 200m /dev/zero | tail -c 200m > /dev/null'],
    limits: { memory: 32 * 1024 * 1024 },
  })
  assert.equal(outOfMemory, true)
})
