import { existsSync, readFileSync, rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Container, hostBundle } from 'oci-ts'
import { afterEach, describe, expect, test } from 'vitest'
import { controllerDir } from '../../lib/cgroup/limits.ts'
import { locateCgroup } from '../../lib/cgroup/location.ts'
import { cgroupDirs } from '../../lib/cgroup/operate.ts'
import { hostFacts } from '../../lib/runtime/facts.ts'
import type { Resources } from '../../types/index.ts'
import { tempDir } from '../harness/temp.ts'

/** Containers' cgroups through the public face. */

const MB = 1 << 20
const made: Container[] = []

afterEach(async () => {
  for (const container of made.splice(0)) await container.delete({ force: true })
})

let count = 0

async function bundle(args: string[], linux: { cgroupsPath?: string; resources?: Resources }) {
  const result = await hostBundle(tempDir(), { args })
  result.config.linux = { ...result.config.linux, ...linux }
  return result
}

async function start(linux: { cgroupsPath?: string; resources?: Resources } = {}, args = ['sleep', '1000']) {
  const id = `cgroup-test-${process.pid}-${count++}`
  const container = await Container.create(id, { bundle: await bundle(args, linux), stdio: 'ignore' })
  made.push(container)
  await container.start()
  return container
}

/** Where the container's cgroup must be. */
async function dirs(id: string, path?: string): Promise<string[]> {
  return cgroupDirs(locateCgroup((await hostFacts()).cgroup, id, path))
}

/** A controller's file of a container. */
async function file(id: string, controller: string, v1Name: string, v2Name = v1Name): Promise<string> {
  const { cgroup } = await hostFacts()
  const found = controllerDir(locateCgroup(cgroup, id), cgroup, controller)
  if (!found) throw new Error(`no ${controller}`)
  return readFileSync(`${found.dir}/${found.version === 1 ? v1Name : v2Name}`, 'utf8').trim()
}

describe('place', () => {
  test.each([undefined, '/cgroup-test-abs', 'cgroup-test-rel', '/cgroup-test-a/./b/c'])(
    'cgroupsPath %s: the process is in all of its cgroups, and at the end they are gone',
    async (cgroupsPath) => {
      const container = await start(cgroupsPath === undefined ? {} : { cgroupsPath })
      const expected = await dirs(container.id, cgroupsPath)
      for (const dir of expected) {
        expect(readFileSync(`${dir}/cgroup.procs`, 'utf8'), dir).toBe(`${container.pid}\n`)
      }
      expect(await container.processes()).toEqual([container.pid])
      await container.delete({ force: true })
      expect(expected.filter(existsSync)).toEqual([])
      // Parents stay, as with runc: others may be about to use them.
      if (cgroupsPath?.endsWith('/b/c')) {
        for (const dir of expected) {
          rmdirSync(dirname(dir))
          rmdirSync(dirname(dirname(dir)))
        }
      }
    },
  )

  test('a cgroup that another container uses: an error, and that one lives on', async () => {
    const first = await start({ cgroupsPath: '/cgroup-test-shared' })
    await expect(start({ cgroupsPath: '/cgroup-test-shared' })).rejects.toMatchObject({
      code: 'ERR_OCI_CGROUP',
      path: '/linux/cgroupsPath',
      hint: expect.stringContaining('another'),
    })
    expect((await first.state()).status).toBe('running')
    for (const dir of await dirs(first.id, '/cgroup-test-shared')) expect(existsSync(dir)).toBe(true)
  })
})

describe('limits', () => {
  test('hold, change, and are told', async () => {
    const container = await start({
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        memory: { limit: 64 * MB, swap: 96 * MB },
        pids: { limit: 20 },
        cpu: { shares: 512 },
      },
    })
    const { id } = container
    expect(await file(id, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(64 * MB))
    expect(await file(id, 'pids', 'pids.max')).toBe('20')
    await container.update({ memory: { limit: 128 * MB, swap: 160 * MB }, pids: { limit: 5 } })
    expect(await file(id, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(128 * MB))
    expect(await file(id, 'pids', 'pids.max')).toBe('5')
    // What was not named.
    expect(await file(id, 'cpu', 'cpu.shares', 'cpu.weight')).toMatch(/^(512|59)$/)
    expect(await container.stats()).toMatchObject({
      pids: { current: 1, limit: 5 },
      memory: { limitBytes: 128 * MB },
    })
  })

  test('no more processes than allowed', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; exit 0'
    const container = await start({ resources: { pids: { limit: 4 } } }, ['sh', '-c', script])
    const { exitCode } = await container.wait()
    expect(exitCode).not.toBe(0)
  })

  test('memory beyond the limit is killed', async () => {
    const container = await start({ resources: { memory: { limit: 16 * MB, swap: 16 * MB } } }, [
      'bash',
      '-c',
      'x=a; while true; do x=$x$x; done',
    ])
    expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL', oomKilled: true })
  })

  test('devices: those of every container, those allowed, no other', async () => {
    const script =
      'mknod /tmp/full c 1 7; mknod /tmp/kmsg c 1 11; mknod /tmp/mem c 1 1; ' +
      '(: < /dev/null) || exit 1; (: < /tmp/full) || exit 2; (: < /tmp/kmsg) || exit 3; (: < /tmp/mem) && exit 4; exit 0'
    const devices = [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 11, access: 'r' }]
    const built = await bundle(['bash', '-c', script], { resources: { devices } })
    const caps = ['CAP_MKNOD', 'CAP_SYS_ADMIN', 'CAP_SYSLOG', 'CAP_SYS_RAWIO']
    built.config.process!.capabilities = { bounding: caps, effective: caps, permitted: caps }
    // A tmpfs that nodes can be used on.
    const tmp = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid'] }
    built.config.mounts = (built.config.mounts ?? []).map((mount) =>
      mount.destination === '/tmp' ? tmp : mount,
    )
    const container = await Container.create(`cgroup-test-dev-${process.pid}`, {
      bundle: built,
      stdio: 'ignore',
    })
    made.push(container)
    await container.start()
    expect(await container.wait()).toEqual({ exitCode: 0, signal: null })
  })

  test.each<[string, Resources, string]>([
    ['swap below memory', { memory: { limit: 64 * MB, swap: 32 * MB } }, '/linux/resources/memory/swap'],
    ['CPUs that are not there', { cpu: { cpus: '4000' } }, '/linux/resources/cpu/cpus'],
  ])('%s: refused by name, and nothing is left', async (_, resources, path) => {
    const id = `cgroup-test-${process.pid}-bad-${count++}`
    const bad = await bundle(['true'], { resources })
    await expect(Container.create(id, { bundle: bad })).rejects.toMatchObject({ path })
    expect((await dirs(id)).filter(existsSync)).toEqual([])
  })
})

test('pause, resume, and the end of a paused container', async () => {
  const container = await start()
  await container.pause()
  expect((await container.state()).status).toBe('paused')
  await container.resume()
  expect((await container.state()).status).toBe('running')
  await container.pause()
  await container.kill('SIGKILL')
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' })
})
