import { readFileSync } from 'node:fs'
import type { Config, Container } from 'oci-ts'
import { expect, test } from 'vitest'
import { controllerDir } from '../../../lib/cgroup/limits.ts'
import { locateCgroup } from '../../../lib/cgroup/location.ts'
import { hostFacts } from '../../../lib/runtime/facts.ts'
import { createShell, failure, textOf } from './support.ts'

const MB = 1 << 20

async function started(script: string, change?: (config: Config) => void): Promise<Container> {
  const container = await createShell(script, { stdio: ['ignore', 'pipe', 'ignore'] }, change)
  await container.start()
  return container
}

/** A controller's directory of a container, and its version. */
async function controller(id: string, name: string) {
  const { cgroup } = await hostFacts()
  const found = controllerDir(locateCgroup(cgroup, id), cgroup, name)
  if (found === null) throw new Error(`no ${name}`)
  return found
}

/** Names of `name value` lines. */
const namesIn = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]!)

test('CPU: time, by CPU on v1, and throttling', async () => {
  await using container = await started('while :; do :; done', (config) => {
    config.linux!.resources = { cpu: { quota: 20_000, period: 100_000 } }
  })
  const used = async () => (await container.stats()).cpu!
  await expect.poll(async () => (await used()).throttling?.throttledPeriods).toBeGreaterThan(1)
  const { usageNs, userNs, systemNs, perCpuNs, perCpuUserNs, perCpuSystemNs, throttling } = await used()
  expect(usageNs).toBeGreaterThan(10_000_000)
  expect(userNs + systemNs).toBeGreaterThan(0)
  expect(throttling!.periods).toBeGreaterThanOrEqual(throttling!.throttledPeriods)
  expect(throttling!.throttledNs).toBeGreaterThan(10_000_000)
  const { version } = await controller(container.id, 'cpu')
  const sum = (list: number[] = []) => list.reduce((total, one) => total + one, 0)
  if (version === 2)
    expect([perCpuNs, perCpuUserNs, perCpuSystemNs]).toEqual([undefined, undefined, undefined])
  else {
    expect(Math.abs(sum(perCpuNs) / usageNs - 1)).toBeLessThan(0.2)
    expect(perCpuUserNs).toHaveLength(perCpuNs!.length)
    expect(perCpuSystemNs).toHaveLength(perCpuNs!.length)
  }
})

test('memory: limit, the most, everything of memory.stat, by node; pids; pressure', async () => {
  await using container = await started('sleep 1000 & sleep 1000 & wait', (config) => {
    config.linux!.resources = { memory: { limit: 64 * MB }, pids: { limit: 20 } }
  })
  await expect.poll(async () => (await container.processes()).length).toBe(3)
  const { memory, pids, cpu, cpuset } = await container.stats()
  const { version, dir } = await controller(container.id, 'memory')
  expect(memory).toMatchObject({ limitBytes: 64 * MB, oomKills: 0, failures: 0 })
  expect(memory!.usageBytes).toBeGreaterThan(0)
  expect(memory!.usageBytes).toBeLessThan(64 * MB)
  const { cgroup, kernel } = await hostFacts()
  const peak = version === 1 || kernel[0] > 5 || kernel[1] >= 19
  if (peak) expect(memory!.maxUsageBytes).toBeGreaterThanOrEqual(memory!.usageBytes)
  expect(Object.keys(memory!.stat)).toEqual(namesIn(readFileSync(`${dir}/memory.stat`, 'utf8')))
  expect(memory!.numa).toHaveProperty(version === 1 ? 'total' : 'anon')
  if (version === 1) expect(memory).toMatchObject({ kernel: { failures: 0 }, kernelTcp: { usageBytes: 0 } })
  else {
    const events = namesIn(readFileSync(`${dir}/memory.events`, 'utf8'))
    expect(Object.keys(memory!.events!)).toEqual(events)
  }
  expect(pids).toMatchObject({ current: 3, limit: 20 })
  const { dir: cpusetDir, version: cpusetVersion } = await controller(container.id, 'cpuset')
  const list = readFileSync(`${cpusetDir}/cpuset.${cpusetVersion === 1 ? 'cpus' : 'cpus.effective'}`, 'utf8')
  expect(cpuset!.cpus.length).toBe(list.trim() === '0' ? 1 : cpuset!.cpus.length)
  expect(cpuset!.flags?.sched_load_balance).toBe(cpusetVersion === 1 ? 1 : undefined)
  const pressure = cgroup.v2 !== null && readPressure(cgroup.v2.mountpoint)
  if (pressure) {
    const { some } = cpu!.pressure!
    for (const value of Object.values(some)) expect(value).toBeGreaterThanOrEqual(0)
    expect(memory!.pressure).toHaveProperty('full.totalUs')
  } else expect(cpu!.pressure).toBeUndefined()
})

/** Whether the kernel counts pressure. */
function readPressure(mountpoint: string): boolean {
  try {
    return readFileSync(`${mountpoint}/cpu.pressure`, 'utf8').startsWith('some')
  } catch {
    return false
  }
}

test('network: the interfaces of its own namespace, and no others', async () => {
  await using container = await started(
    'echo hello | nc -l -p 7 >/dev/null & until nc 127.0.0.1 7 </dev/null; do sleep 0.1; done; echo done; sleep 1000',
  )
  for await (const chunk of container.stdout!) if (String(chunk).includes('done')) break
  const { network } = await container.stats()
  expect(network!.map(({ name }) => name)).toContain('lo')
  const lo = network!.find(({ name }) => name === 'lo')!
  expect(lo.rxPackets).toBeGreaterThan(3)
  expect(lo).toMatchObject({ txPackets: lo.rxPackets, txBytes: lo.rxBytes, rxErrors: 0, txDropped: 0 })
  await using host = await started('sleep 1000', (config) => {
    config.linux!.namespaces = config.linux!.namespaces!.filter(({ type }) => type !== 'network')
  })
  // What the host sends is not the container's.
  expect((await host.stats()).network).toBeUndefined()
})

test('what has no cgroup, and what has ended', async () => {
  await using container = await createShell('echo bye', { cgroupManager: 'disabled' })
  await failure(container.stats(), 'ERR_OCI_UNSUPPORTED')
  const text = textOf(container.stdout)
  await container.start()
  await container.wait()
  expect(await text).toBe('bye\n')
  await failure(container.stats(), 'ERR_OCI_STATE')
})
