import type { BlockIo, Cpu, Memory, Resources } from '../../types/index.ts'
import { checkDeviceRules } from './check-devices.ts'
import { checkInterfaceName, checkNumberList } from './check-text.ts'
import { child } from './pointer.ts'
import { invalid, type OnWarning, Wording } from './problem.ts'

/** Most tasks that Linux can have (PID_MAX_LIMIT on 64 bits). */
const MOST_TASKS = 4_194_304

/** What the checks of resources may know. */
export interface ResourceContext {
  /** Whether limits that are not given stay what they are (update), rather than none (create). */
  readonly partial?: boolean
  readonly warn: OnWarning
}

/**
 * The rules for resources that their shape does not tell (config-linux.md, Control groups).
 *
 * @param at JSON pointer of the resources
 * @throws OciError `ERR_OCI_CONFIG_INVALID`
 */
export function checkResources(resources: Resources, at: string, context: ResourceContext): void {
  if (resources.devices) checkDeviceRules(resources.devices, `${at}/devices`)
  if (resources.memory) checkMemory(resources.memory, `${at}/memory`, context)
  if (resources.cpu) checkCpu(resources.cpu, `${at}/cpu`)
  const tasks = resources.pids?.limit
  if (tasks !== undefined && (tasks < -1 || tasks > MOST_TASKS)) {
    throw invalid(`${at}/pids/limit`, `from 0 to ${MOST_TASKS}, or -1 for no limit`, tasks)
  }
  if (resources.blockIO) checkBlockIo(resources.blockIO, `${at}/blockIO`)
  const sizes = new Set<string>()
  for (const [index, { pageSize }] of (resources.hugepageLimits ?? []).entries()) {
    if (sizes.has(pageSize)) {
      const got = new Wording(`a second limit of ${pageSize}`)
      throw invalid(`${at}/hugepageLimits/${index}/pageSize`, 'each size once', got)
    }
    sizes.add(pageSize)
  }
  for (const [index, { name }] of (resources.network?.priorities ?? []).entries()) {
    checkInterfaceName(name, `${at}/network/priorities/${index}/name`)
  }
  for (const [device, limits] of Object.entries(resources.rdma ?? {})) {
    const pointer = child(`${at}/rdma`, device)
    if (!/^[^\s/\0]+$/.test(device)) throw invalid(pointer, 'the name of an RDMA device', device)
    if (limits.hcaHandles === undefined && limits.hcaObjects === undefined) {
      throw invalid(pointer, 'hcaHandles, hcaObjects or both', new Wording('neither'))
    }
  }
  for (const file of Object.keys(resources.unified ?? {})) {
    if (!/^[^/\0]+$/.test(file) || file === '.' || file === '..') {
      throw invalid(child(`${at}/unified`, file), 'the name of a file of the cgroup', file)
    }
  }
}

function checkMemory(memory: Memory, at: string, { partial = false, warn }: ResourceContext): void {
  for (const key of ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'] as const) {
    const value = memory[key]
    if (value !== undefined && value < -1) throw invalid(`${at}/${key}`, 'bytes, or -1 for no limit', value)
  }
  for (const key of ['kernel', 'kernelTCP'] as const) {
    if (memory[key] !== undefined) {
      warn({ path: `${at}/${key}`, message: 'limits of kernel memory are obsolete; it is ignored' })
    }
  }
  const { limit = 0, swap = 0, swappiness = 0 } = memory
  if (swap > 0 && limit > 0 && swap < limit) {
    const hint = 'It counts memory and swap together; equal to the limit, it means no swap.'
    throw invalid(`${at}/swap`, `at least the memory limit, ${limit}`, swap, hint)
  }
  if (swap > 0 && (Number(limit) === -1 || (Number(limit) === 0 && !partial))) {
    throw invalid(`${at}/swap`, 'a memory limit to go with a limit of memory and swap', swap)
  }
  if (swappiness > 100) throw invalid(`${at}/swappiness`, 'from 0 to 100', swappiness)
}

function checkCpu(cpu: Cpu, at: string): void {
  const { quota = 0, period = 0, burst = 0, realtimeRuntime = 0, realtimePeriod = 0, idle = 0 } = cpu
  if (quota < -1 || (quota > 0 && quota < 1000)) {
    throw invalid(`${at}/quota`, 'at least 1000 µs, or -1 for no limit', quota)
  }
  if (Number(period) !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalid(`${at}/period`, 'from 1000 to 1000000 µs', period)
  }
  if (quota > 0 && burst > quota) throw invalid(`${at}/burst`, `at most the quota, ${quota}`, burst)
  if (realtimeRuntime < -1) throw invalid(`${at}/realtimeRuntime`, 'µs, or -1 for no limit', realtimeRuntime)
  if (realtimePeriod > 0 && realtimeRuntime > realtimePeriod) {
    throw invalid(`${at}/realtimeRuntime`, `at most the period, ${realtimePeriod}`, realtimeRuntime)
  }
  if (Number(idle) !== 0 && Number(idle) !== 1) throw invalid(`${at}/idle`, '0 or 1', idle)
  if (cpu.cpus !== undefined) checkNumberList(cpu.cpus, `${at}/cpus`, 'CPUs')
  if (cpu.mems !== undefined) checkNumberList(cpu.mems, `${at}/mems`, 'memory nodes')
}

const THROTTLES = [
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const

function checkBlockIo(blockIo: BlockIo, at: string): void {
  checkWeights(blockIo, at)
  for (const [index, device] of (blockIo.weightDevice ?? []).entries()) {
    const pointer = `${at}/weightDevice/${index}`
    if (device.weight === undefined && device.leafWeight === undefined) {
      throw invalid(pointer, 'a weight, a leafWeight or both', new Wording('neither'))
    }
    checkWeights(device, pointer)
    checkBlockDevice(device, pointer)
  }
  for (const key of THROTTLES) {
    for (const [index, device] of (blockIo[key] ?? []).entries()) {
      checkBlockDevice(device, `${at}/${key}/${index}`)
    }
  }
}

function checkWeights(weights: Pick<BlockIo, 'weight' | 'leafWeight'>, at: string): void {
  for (const key of ['weight', 'leafWeight'] as const) {
    const weight = weights[key] ?? 0
    if (weight !== 0 && (weight < 10 || weight > 1000)) {
      throw invalid(`${at}/${key}`, 'a weight from 10 to 1000, or 0 to leave it alone', weight)
    }
  }
}

function checkBlockDevice(device: { major: number | bigint; minor: number | bigint }, at: string): void {
  for (const key of ['major', 'minor'] as const) {
    const number = device[key]
    if (number < 0 || number > 0xffff_ffff) throw invalid(`${at}/${key}`, `a ${key} number`, number)
  }
}
