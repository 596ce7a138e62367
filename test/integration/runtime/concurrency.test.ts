import { existsSync } from 'node:fs'
import { Container, OciError } from 'oci-ts'
import { expect, test } from 'vitest'
import { startNode } from './node.ts'
import { bundleOf, cgroupsOf, createShell, failure, freshId, shellConfig, textOf } from './support.ts'

test('32 whole lives at once', async () => {
  const bundle = await bundleOf(shellConfig('echo $HOSTNAME; exit 3'))
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      const container = await Container.create(freshId(), { bundle })
      const text = textOf(container.stdout)
      await container.start()
      expect((await container.wait()).exitCode).toBe(3)
      await text
      await container.delete()
    }),
  )
})

test('of many creates with one id one wins', async () => {
  const id = freshId()
  const bundle = await bundleOf(shellConfig('true'))
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => Container.create(id, { bundle, stdio: 'ignore' })),
  )
  const made = results.filter((result) => result.status === 'fulfilled')
  expect(made).toHaveLength(1)
  for (const result of results) {
    if (result.status === 'rejected') expect((result.reason as OciError).code).toBe('ERR_OCI_ID_IN_USE')
  }
  await made[0]!.value.delete()
  expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
})

test('of many starts one wins', async () => {
  await using container = await createShell(['sleep', '100'], { stdio: 'ignore' })
  const others = await Promise.all(Array.from({ length: 4 }, () => Container.load(container.id)))
  const results = await Promise.allSettled([container, container, ...others].map((one) => one.start()))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const result of results) {
    if (result.status === 'rejected') expect((result.reason as OciError).code).toBe('ERR_OCI_STATE')
  }
  expect((await container.state()).status).toBe('running')
})

test('deletes at once, and a create right after', async () => {
  for (let round = 0; round < 10; round++) {
    const container = await createShell(['sleep', '100'], { stdio: 'ignore' })
    await container.start()
    const other = await Container.load(container.id)
    await Promise.all([
      container.delete({ force: true }),
      other.delete({ force: true }),
      Container.remove(container.id, { force: true }),
    ])
    expect(cgroupsOf(container.id)).toEqual([])
    const bundle = await bundleOf(shellConfig('true'))
    await (await Container.create(container.id, { bundle, stdio: 'ignore' })).delete()
  }
})

test('pause, resume, update, exec and kill at once leave no mess', async () => {
  const container = await createShell(['sleep', '100'], { stdio: 'ignore' })
  await container.start()
  const calls = [
    () => container.pause(),
    () => container.resume(),
    () => container.update({ pids: { limit: 50 } }),
    () =>
      container.exec({ args: ['true'], stdio: 'ignore', ignorePaused: false }).then((child) => child.wait()),
    () => container.state(),
    () => container.processes(),
    () => container.stats(),
  ]
  const results = await Promise.allSettled(
    Array.from({ length: 35 }, (_, index) => calls[index % calls.length]!()),
  )
  for (const result of results) {
    if (result.status === 'rejected') expect((result.reason as OciError).code).toBe('ERR_OCI_STATE')
    expect(result.status === 'rejected' ? result.reason : undefined).not.toBeInstanceOf(TypeError)
    if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(OciError)
  }
  await container.delete({ force: true })
  expect(cgroupsOf(container.id)).toEqual([])
})

test('another process starts, watches, and deletes', async () => {
  const container = await createShell(['sleep', '100'], { stdio: 'ignore' })
  const child = await startNode(`
    import { Container } from 'oci-ts'
    const c = await Container.load(${JSON.stringify(container.id)})
    await c.start()
    console.log((await c.state()).status)
    const p = await c.exec({ args: ['sh', '-c', 'exit 3'] })
    console.log((await p.wait()).exitCode)
    await c.kill('SIGKILL')
    console.log(JSON.stringify(await c.wait()))
    await c.delete()
    console.log((await Container.list()).some((s) => s.id === c.id))`)
  const output = await textOf(child.stdout)
  const [running, code, status, listed] = output.trim().split('\n')
  expect([running, code, listed]).toEqual(['running', '3', 'false'])
  // The other process is not its parent: what it can know of the status depends on the kernel.
  expect([
    { exitCode: null, signal: 'SIGKILL' },
    { exitCode: null, signal: null },
  ]).toContainEqual(JSON.parse(status!))
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
  await container.delete({ force: true })
})

test('two processes start at once: one wins', async () => {
  await using container = await createShell(['sleep', '100'], { stdio: 'ignore' })
  const script = `
    import { Container } from 'oci-ts'
    const c = await Container.load(${JSON.stringify(container.id)})
    await c.start().then(() => console.log('won'), (e) => console.log(e.code))`
  const children = await Promise.all([startNode(script), startNode(script), startNode(script)])
  const words = (await Promise.all(children.map((child) => textOf(child.stdout)))).map((text) => text.trim())
  expect(words.sort()).toEqual(['ERR_OCI_STATE', 'ERR_OCI_STATE', 'won'])
})

test('a container does not depend on its creator', async () => {
  const id = freshId()
  const { dir } = await bundleOf(shellConfig(['sleep', '100']))
  const child = await startNode(`
    import { Container } from 'oci-ts'
    const c = await Container.create(${JSON.stringify(id)}, { bundle: ${JSON.stringify(dir)}, stdio: 'ignore' })
    console.log(c.pid)`)
  const pid = Number(await textOf(child.stdout))
  const container = await Container.load(id)
  expect(container.pid).toBe(pid)
  expect((await container.state()).status).toBe('created')
  await container.start()
  expect((await container.state()).status).toBe('running')
  await failure(container.delete(), 'ERR_OCI_STATE')
  await container.delete({ force: true })
})

test('aborted creates leave nothing, whenever it happens', async () => {
  const bundle = await bundleOf(shellConfig('true'))
  for (let delay = 0; delay < 5; delay += 0.25) {
    const id = freshId()
    const controller = new AbortController()
    const begin = performance.now()
    const promise = Container.create(id, { bundle, stdio: 'ignore', signal: controller.signal }).then(
      (container) => container.delete(),
      (error) => expect(error.code).toBe('ERR_OCI_ABORTED'),
    )
    await new Promise<void>((resolve) => {
      const spin = () => (performance.now() - begin >= delay ? resolve() : void setImmediate(spin))
      spin()
    })
    controller.abort()
    await promise
    expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
    expect(cgroupsOf(id)).toEqual([])
  }
})
