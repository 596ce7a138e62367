import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type CreateCgroupOptions, createCgroup } from '../../lib/cgroup/create.ts'
import { exactRules } from '../../lib/cgroup/device-rules.ts'
import { controllerDir } from '../../lib/cgroup/limits.ts'
import { locateCgroup } from '../../lib/cgroup/location.ts'
import {
  cgroupDirs,
  frozenFile,
  killSteps,
  parseProcs,
  pauseSteps,
  processDirs,
  removeSteps,
  resumeSteps,
} from '../../lib/cgroup/operate.ts'
import { parseStats, statsFiles, statsSteps } from '../../lib/cgroup/stats/index.ts'
import type { CgroupLayout, CgroupLocation } from '../../lib/cgroup/types.ts'
import { updateCgroup } from '../../lib/cgroup/update.ts'
import { devicesV2 } from '../../lib/cgroup/v2/devices.ts'
import type { Plan } from '../../lib/plan/steps.ts'
import { closeAll, runBatch, tryBatch } from '../../lib/runtime/batch.ts'
import { hostFacts } from '../../lib/runtime/facts.ts'
import type { Resources } from '../../types/index.ts'
import { failure } from './runtime/support.ts'

/** The steps of cgroups on this machine's real hierarchies, carried out by the addon. */

let layout: CgroupLayout
let sizes: readonly string[]
let location: CgroupLocation
const children: ChildProcess[] = []
const MB = 1 << 20

beforeAll(async () => {
  const facts = await hostFacts()
  layout = facts.cgroup
  sizes = facts.hugePageSizes
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await runBatch(removeSteps(location, { kill: true }))
  for (const { dir, mountpoint } of [...location.v1, ...(location.v2 ? [location.v2] : [])]) {
    for (let at = dirname(dir); at !== mountpoint; at = dirname(at)) if (existsSync(at)) rmdirSync(at)
  }
})

async function make(resources?: Resources, options: Partial<CreateCgroupOptions> = {}, path = '/steps/c1') {
  location = locateCgroup(layout, 'c1', path)
  const creation = createCgroup(location, layout, resources, {
    rootless: false,
    hugePageSizes: sizes,
    ...options,
  })
  const keep = [...creation.joinSlots]
  const { fds } = await runBatch([...creation.make, ...creation.limits, ...creation.open], { keep })
  return { creation, fds }
}

/** The text of a controller's file. */
function read(controller: string, v1Name: string, v2Name = v1Name): string {
  const found = controllerDir(location, layout, controller)
  if (!found) throw new Error(`no ${controller}`)
  return readFileSync(join(found.dir, found.version === 1 ? v1Name : v2Name), 'utf8').trim()
}

/** A process in the cgroup. */
async function inhabit(): Promise<ChildProcess> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  await once(child, 'spawn')
  for (const dir of cgroupDirs(location)) writeFileSync(`${dir}/cgroup.procs`, String(child.pid))
  children.push(child)
  return child
}

const has = (controller: string) => controllerDir(location, layout, controller) !== null

describe('creation', () => {
  test('every limit that this machine has, as the kernel reads it back', async () => {
    const { fds } = await make({
      memory: { limit: 100 * MB, swap: 200 * MB, reservation: 50 * MB },
      cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0' },
      pids: { limit: 50 },
    })
    closeAll(fds)
    expect(read('memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(100 * MB))
    expect(read('memory', 'memory.soft_limit_in_bytes', 'memory.low')).toBe(String(50 * MB))
    expect(read('cpu', 'cpu.shares', 'cpu.weight')).toBe(layout.mode === 'v2' ? '59' : '512')
    expect(read('cpu', 'cpu.cfs_quota_us', 'cpu.max')).toBe(layout.mode === 'v2' ? '50000 100000' : '50000')
    expect(read('cpuset', 'cpuset.cpus')).toBe('0')
    expect(read('pids', 'pids.max')).toBe('50')
    if (layout.mode !== 'v2') {
      expect(read('memory', 'memory.memsw.limit_in_bytes')).toBe(String(200 * MB))
      expect(read('cpuset', 'cpuset.mems')).toBe('0')
      expect(read('devices', 'devices.list').split('\n').sort()).toEqual(
        [
          ...['b *:* m', 'c *:* m', 'c 10:200 rwm', 'c 136:* rwm', 'c 1:3 rwm', 'c 1:5 rwm', 'c 1:7 rwm'],
          ...['c 1:8 rwm', 'c 1:9 rwm', 'c 5:0 rwm', 'c 5:2 rwm'],
        ].sort(),
      )
    }
  })

  test('huge pages, by whichever side has the controller', async () => {
    location = locateCgroup(layout, 'c1', '/steps/c1')
    const size = sizes[0]
    if (!size || !has('hugetlb')) {
      // Then it must be an error that says so.
      const resources = { hugepageLimits: [{ pageSize: size ?? '2MB', limit: 0 }] }
      await expect(make(resources)).rejects.toMatchObject({ code: 'ERR_OCI_UNSUPPORTED' })
      return
    }
    closeAll((await make({ hugepageLimits: [{ pageSize: size, limit: 4 * MB * 1024 }] })).fds)
    const file = (kind: string) =>
      [`hugetlb.${size}${kind}.limit_in_bytes`, `hugetlb.${size}${kind}.max`] as const
    expect(read('hugetlb', ...file(''))).toBe(String(4 * MB * 1024))
    expect(read('hugetlb', ...file('.rsvd'))).toBe(String(4 * MB * 1024))
  })

  test('an fd of each cgroup.procs, by which a process joins', async () => {
    const { fds, creation } = await make()
    expect(fds.filter((fd) => fd >= 0)).toHaveLength(creation.joinSlots.length)
    const child = await inhabit()
    for (const fd of fds) writeFileSync(fd, String(child.pid))
    closeAll(fds)
    const lines = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8').trim().split('\n')
    const joined = lines.filter((line) => line.endsWith('/steps/c1'))
    expect(joined).toHaveLength(cgroupDirs(location).length)
  })

  test('an empty cgroup that is there is taken, one in use or frozen is not', async () => {
    closeAll((await make()).fds)
    closeAll((await make({ pids: { limit: 3 } })).fds)
    expect(read('pids', 'pids.max')).toBe('3')
    await runBatch(pauseSteps(location))
    await expect(make()).rejects.toMatchObject({
      code: 'ERR_OCI_CGROUP',
      errno: 11,
      step: 'checkCgroupEmpty',
    })
    await runBatch(resumeSteps(location))
    await inhabit()
    await expect(make()).rejects.toMatchObject({
      code: 'ERR_OCI_CGROUP',
      errno: 16,
      path: '/linux/cgroupsPath',
    })
  })

  test('a limit that the kernel refuses is named', async () => {
    await expect(make({ cpu: { cpus: '4000' } })).rejects.toMatchObject({ path: '/linux/resources/cpu/cpus' })
  })
})

describe('update', () => {
  test('down, up, and away: memory and swap in the order that fits', async () => {
    closeAll((await make({ memory: { limit: 100 * MB, swap: 200 * MB } })).fds)
    const set = (resources: Resources) => runBatch(updateCgroup(location, layout, resources).steps)
    const limit = () => read('memory', 'memory.limit_in_bytes', 'memory.max')
    await set({ memory: { limit: 10 * MB, swap: 20 * MB } })
    expect(limit()).toBe(String(10 * MB))
    await set({ memory: { limit: 300 * MB, swap: 400 * MB } })
    expect(limit()).toBe(String(300 * MB))
    await set({ memory: { limit: -1 } })
    expect(limit()).toMatch(/^(max|9223372036854\d+)$/)
  })

  test('quota and period in any order, idle and back', async () => {
    closeAll((await make({ cpu: { quota: 100_000, period: 100_000 } })).fds)
    const set = (cpu: Resources['cpu'], current = {}) =>
      runBatch(updateCgroup(location, layout, { cpu: cpu! }, { current }).steps)
    const quota = () => read('cpu', 'cpu.cfs_quota_us', 'cpu.max').split(' ')[0]
    await set({ quota: 2000, period: 1000 })
    expect(quota()).toBe('2000')
    await set({ quota: 500_000, period: 1_000_000 })
    await set({ period: 500_000 }, { cpu: { quota: 500_000 } })
    expect(quota()).toBe('500000')
    await set({ quota: -1 })
    expect(quota()).toMatch(/^(max|-1)$/)
    const idle = { idle: 1, shares: 512 }
    // Linux before 5.15 has no such file, and says so.
    if (existsSync(join(controllerDir(location, layout, 'cpu')!.dir, 'cpu.idle'))) {
      await set(idle)
      expect(read('cpu', 'cpu.idle')).toBe('1')
      await set({ idle: 0, shares: 1024 })
    } else {
      await failure(set(idle), 'ERR_OCI_CGROUP')
      await set({ shares: 1024 })
    }
    expect(read('cpu', 'cpu.shares', 'cpu.weight')).toBe(layout.mode === 'v2' ? '100' : '1024')
  })
})

describe('processes', () => {
  test('pause, resume, and a SIGKILL that reaches the frozen', async () => {
    closeAll((await make()).fds)
    const child = await inhabit()
    const frozen = () => readFileSync(frozenFile(location)!, 'utf8').trim()
    expect(frozen()).toBe('0')
    await runBatch(pauseSteps(location))
    expect(frozen()).toBe('1')
    await runBatch(resumeSteps(location))
    expect(frozen()).toBe('0')
    await runBatch(pauseSteps(location))
    const exit = once(child, 'exit')
    await runBatch(killSteps(location, 9))
    expect(await exit).toEqual([null, 'SIGKILL'])
  })

  test('any other signal comes once; those in cgroups below are found', async () => {
    closeAll((await make()).fds)
    const child = await inhabit()
    const [first] = processDirs(location)
    mkdirSync(`${first}/inner`)
    writeFileSync(`${first}/inner/cgroup.procs`, String(child.pid))
    expect(parseProcs(readFileSync(`${first}/inner/cgroup.procs`, 'utf8'))).toEqual([child.pid])
    const exit = once(child, 'exit')
    await runBatch(killSteps(location, 15))
    expect(await exit).toEqual([null, 'SIGTERM'])
    await runBatch(removeSteps(location))
    expect(cgroupDirs(location).filter(existsSync)).toEqual([])
  })

  test('removal of what is not there, and of what is busy', async () => {
    closeAll((await make()).fds)
    await inhabit()
    const { error } = await tryBatch(removeSteps(location, { timeoutMs: 50 }))
    expect(error).toMatchObject({ code: 'ERR_OCI_CGROUP', errno: 16 })
    await runBatch(removeSteps(location, { kill: true }))
    await runBatch(removeSteps(location))
    await runBatch(killSteps(location, 9))
    expect(cgroupDirs(location).filter(existsSync)).toEqual([])
  })
})

test('stats of a process that has run', async () => {
  closeAll((await make({ pids: { limit: 9 }, memory: { limit: 64 * MB } })).fds)
  await inhabit()
  const files = statsFiles(location, layout, sizes)
  const { reads } = await runBatch(statsSteps(files))
  expect(reads).toHaveLength(files.length)
  const texts = Object.fromEntries(
    files.map(({ name }, index) => [name, Buffer.from(reads[index]!).toString()]),
  )
  const stats = parseStats(texts, sizes)
  expect(stats).toMatchObject({
    pids: { current: 1, limit: 9 },
    memory: { limitBytes: 64 * MB, oomKills: 0 },
    cpu: { usageNs: expect.any(Number) },
  })
  expect(Object.values(stats.memory!.stat).every(Number.isFinite)).toBe(true)
})

describe('the device program', () => {
  test('is taken by the kernel, and keeps to the rules', async () => {
    closeAll((await make()).fds)
    if (!location.v2) throw new Error('these tests want a cgroup v2 hierarchy')
    // Whatever the rules, the verifier is content.
    const many = Array.from({ length: 200 }, (_, index) => ({
      allow: index % 3 !== 0,
      type: ['a', 'b', 'c'][index % 3]!,
      major: index,
      access: ['r', 'w', 'm', 'rw', 'rwm'][index % 5]!,
    }))
    await runBatch(devicesV2(location.v2.dir, exactRules(many)))
    await runBatch(devicesV2(location.v2.dir, exactRules([{ allow: true }])))
    const rules = [{ allow: false }, { allow: true, type: 'c', major: 10, minor: 229, access: 'r' }]
    // As the runtime would: without the default for /dev/null here, to see the program refuse something.
    const bare = exactRules(rules).filter(({ major, minor }) => !(major === 1 && minor === 3))
    await runBatch(devicesV2(location.v2.dir, bare))
    const script = `echo $$ > ${location.v2.dir}/cgroup.procs; (: < /dev/null) 2>/dev/null; echo null=$?; (: < /dev/zero); echo zero=$?`
    expect(await output(['sh', '-c', script])).toBe('null=2\nzero=0\n')
    await runBatch(devicesV2(location.v2.dir, exactRules(rules)))
    expect(await output(['sh', '-c', script])).toBe('null=0\nzero=0\n')
  })
})

async function output([command, ...args]: [string, ...string[]]): Promise<string> {
  // Its own standard streams are pipes: /dev/null may be forbidden.
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end()
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  child.stderr.resume()
  await once(child, 'close')
  return text
}

describe('a caller without rights', () => {
  test('what may not be made is done without; the slots are filled', async () => {
    location = locateCgroup(layout, 'c1', '/steps/c1')
    const creation = createCgroup(location, layout, undefined, { rootless: true })
    // As if it were forbidden: the directories are not made, and opening them fails alike.
    const plan: Plan = creation.open
    const { fds } = await runBatch(plan, { keep: creation.joinSlots })
    expect(fds.every((fd) => fd >= 0)).toBe(true)
    for (const fd of fds) writeFileSync(fd, '0')
    closeAll(fds)
  })
})
