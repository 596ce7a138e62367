import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, Container, type Hook } from 'oci-ts'
import { beforeEach, expect, test } from 'vitest'
import { makeRootfs } from '../../harness/rootfs.ts'
import { tempDir } from '../../harness/temp.ts'
import { bundleOf, cgroupsOf, failure, freshId, isAlive, shellConfig } from './support.ts'

let dir: string
let log: string

beforeEach(() => {
  dir = tempDir()
  log = join(dir, 'log')
  // Each hook appends a line: its name, the state's fields, and what it sees.
  writeFileSync(
    join(dir, 'hook'),
    `#!/bin/sh
state=$(cat)
field() { echo "$state" | sed -n "s/.*\\"$1\\":\\"\\{0,1\\}\\([^,\\"}]*\\).*/\\1/p"; }
echo "$1 status=$(field status) pid=$(field pid) id=$(field id) env=$KEY cwd=$(pwd) uts=$(readlink /proc/self/ns/uts)" >> ${log}
`,
  )
  chmodSync(join(dir, 'hook'), 0o755)
})

function hook(name: string): Hook {
  return { path: join(dir, 'hook'), args: ['hook', name], env: ['PATH=/usr/bin:/bin', 'KEY=value'] }
}

const fail = (message: string): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', `cat >/dev/null; echo ${message} >&2; exit 3`],
})

function lines(): string[] {
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
}

function config(script: string, hooks: Config['hooks']): Config {
  return shellConfig(script, (config) => {
    config.hooks = hooks!
    // Hooks in the container's namespaces write their lines too.
    config.root = { path: makeRootfs() }
    config.mounts!.push({ destination: dir, type: 'none', source: dir, options: ['bind'] })
  })
}

async function create(script: string, hooks: Config['hooks']): Promise<Container> {
  return Container.create(freshId(), { bundle: await bundleOf(config(script, hooks)), stdio: 'ignore' })
}

test('all six kinds run, in order, in their namespaces, with the right state', async () => {
  const hooks = {
    prestart: [hook('prestart')],
    createRuntime: [hook('createRuntime-1'), hook('createRuntime-2')],
    createContainer: [hook('createContainer')],
    startContainer: [hook('startContainer')],
    poststart: [hook('poststart')],
    poststop: [hook('poststop')],
  }
  const container = await create('sleep 0.1', hooks)
  const { id, pid, bundle } = container
  const names = () => lines().map((line) => line.split(' ')[0])
  const before = ['prestart', 'createRuntime-1', 'createRuntime-2', 'createContainer']
  expect(names()).toEqual(before)
  await container.start()
  expect(names()).toEqual([...before, 'startContainer', 'poststart'])
  await container.wait()
  await container.delete()
  expect(names()).toEqual([...before, 'startContainer', 'poststart', 'poststop'])

  const host = (await import('node:fs')).readlinkSync('/proc/self/ns/uts')
  for (const line of lines()) {
    expect(line).toContain(`id=${id} env=value`)
    const inside = line.startsWith('createContainer') || line.startsWith('startContainer')
    expect(line.includes(`uts=${host}`), line).toBe(!inside)
    if (!inside) expect(line).toContain(`cwd=${bundle}`)
  }
  expect(lines()[0]).toContain(`status=creating pid=${pid}`)
  expect(lines()[3]).toContain('status=creating pid=1')
  expect(lines()[4]).toContain('status=created pid=1')
  expect(lines()[5]).toContain(`status=running pid=${pid}`)
  expect(lines()[6]).toContain('status=stopped')
})

test.each(['prestart', 'createRuntime', 'createContainer'] as const)(
  'a %s hook that fails ends the create, and poststop hooks run',
  async (kind) => {
    const id = freshId()
    const bundle = await bundleOf(
      config('true', { [kind]: [fail('reason-of-hook'), hook('never')], poststop: [hook('poststop')] }),
    )
    const error = await failure(Container.create(id, { bundle }), 'ERR_OCI_HOOK_FAILED')
    expect(error.path).toBe(`/hooks/${kind}/0`)
    expect(error.message).toContain('reason-of-hook')
    expect(lines().map((line) => line.split(' ')[0])).toEqual(['poststop'])
    expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
    expect(cgroupsOf(id)).toEqual([])
  },
)

test('a startContainer hook that fails ends the start and stops the container', async () => {
  await using container = await create('sleep 100', { startContainer: [fail('no-start')] })
  const error = await failure(container.start(), 'ERR_OCI_HOOK_FAILED')
  expect(error.path).toBe('/hooks/startContainer/0')
  expect(error.message).toContain('no-start')
  expect((await container.state()).status).toBe('stopped')
})

test('a poststart hook that fails ends the start and stops the container', async () => {
  await using container = await create('sleep 100', { poststart: [fail('no-poststart')] })
  const error = await failure(container.start(), 'ERR_OCI_HOOK_FAILED')
  expect(error.path).toBe('/hooks/poststart/0')
  expect((await container.state()).status).toBe('stopped')
})

test('a poststop hook that fails is a warning, and the next one runs', async () => {
  const warnings: string[] = []
  const bundle = await bundleOf(config('true', { poststop: [fail('late'), hook('poststop')] }))
  const onWarning = ({ message }: { message: string }) => void warnings.push(message)
  const container = await Container.create(freshId(), { bundle, stdio: 'ignore', onWarning })
  await container.start()
  await container.wait()
  await container.delete()
  expect(warnings.join()).toContain('late')
  expect(lines()).toHaveLength(1)
})

test.each(['createRuntime', 'createContainer'] as const)(
  'a %s hook that hangs is killed with its children',
  async (kind) => {
    const pidFile = join(dir, 'pid')
    const hang: Hook = {
      path: '/bin/sh',
      args: ['sh', '-c', `sleep 1000 & echo $! > ${pidFile}; wait`],
      env: ['PATH=/usr/bin:/bin'],
      timeout: 1,
    }
    const bundle = await bundleOf(config('true', { [kind]: [hang] }))
    const error = await failure(Container.create(freshId(), { bundle }), 'ERR_OCI_HOOK_FAILED')
    expect(error.path).toBe(`/hooks/${kind}/0`)
    // The pid of a hook in the container's namespaces is none of ours.
    if (kind === 'createRuntime') expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false)
  },
)

test('a hook that is missing', async () => {
  const bundle = await bundleOf(config('true', { createRuntime: [{ path: '/no/such/hook' }] }))
  const error = await failure(Container.create(freshId(), { bundle }), 'ERR_OCI_HOOK_FAILED')
  expect(error.message).toContain('/no/such/hook')
})

test('a hook gets nothing of Node’s: fds, ignored signals, raised limits', async () => {
  const out = join(dir, 'out')
  const spy: Hook = {
    path: '/bin/sh',
    args: [
      'sh',
      '-c',
      `cat >/dev/null; { ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status; } > ${out}`,
    ],
    env: ['PATH=/usr/bin:/bin'],
  }
  const container = await create('true', { createRuntime: [spy] })
  await container.delete()
  const text = readFileSync(out, 'utf8').trim().split('\n')
  // 3 is the directory that ls reads.
  expect(text).toEqual(['0', '1', '2', '3', 'SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000'])
})

test('aborting while a hook runs undoes the create', async () => {
  const id = freshId()
  const slow: Hook = { path: '/bin/sh', args: ['sh', '-c', 'sleep 1000'], env: ['PATH=/usr/bin:/bin'] }
  const bundle = await bundleOf(config('true', { createRuntime: [slow] }))
  await failure(Container.create(id, { bundle, signal: AbortSignal.timeout(200) }), 'ERR_OCI_ABORTED')
  expect(existsSync(`/run/oci-ts/${id}`)).toBe(false)
  expect(cgroupsOf(id)).toEqual([])
})
