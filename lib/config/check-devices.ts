import type { Device, DeviceRule, NetDevice } from '../../types/index.ts'
import { checkId } from './check-ids.ts'
import { checkAbsolutePath, checkInterfaceName } from './check-text.ts'
import { child } from './pointer.ts'
import { invalid, type OnWarning, Wording } from './problem.ts'

/** Largest device numbers of Linux: 12 and 20 bits. */
const LARGEST = { major: 4095, minor: 1_048_575 } as const

/** All bits that a file mode can have: the type and the permissions. */
const MODE_BITS = 0o177777

/** The rules for `linux.devices` (config-linux.md, Devices). */
export function checkDevices(devices: readonly Device[], warn: OnWarning): void {
  const byPath = new Map<string, string>()
  const pathOf = new Map<string, string>()
  for (const [index, device] of devices.entries()) {
    const at = `/linux/devices/${index}`
    checkAbsolutePath(device.path, `${at}/path`)
    if (device.type !== 'p') {
      checkNumber(device, 'major', at)
      checkNumber(device, 'minor', at)
    }
    if (device.fileMode !== undefined && device.fileMode > MODE_BITS) {
      throw invalid(`${at}/fileMode`, 'permission bits, from 0 to 511 (0o777)', device.fileMode)
    }
    checkId(device.uid, `${at}/uid`)
    checkId(device.gid, `${at}/gid`)
    const kind = device.type === 'u' ? 'c' : device.type
    const node = kind === 'p' ? 'p' : `${kind} ${device.major}:${device.minor}`
    const other = byPath.get(device.path)
    if (other !== undefined && other !== node) {
      throw invalid(`${at}/path`, `one device at ${device.path}`, new Wording(`both ${other} and ${node}`))
    }
    byPath.set(device.path, node)
    const path = pathOf.get(node)
    if (kind !== 'p' && path !== undefined && path !== device.path) {
      warn({ path: at, message: `the device ${node} is at ${path} already` })
    }
    pathOf.set(node, device.path)
  }
}

function checkNumber(device: Device, key: 'major' | 'minor', at: string): void {
  const number = device[key]
  if (number === undefined || number < 0 || number > LARGEST[key]) {
    throw invalid(`${at}/${key}`, `a ${key} number from 0 to ${LARGEST[key]}`, number)
  }
}

/** The rules for `linux.resources.devices`. */
export function checkDeviceRules(rules: readonly DeviceRule[], pointer: string): void {
  for (const [index, { type, major, minor, access }] of rules.entries()) {
    const at = `${pointer}/${index}`
    if (type !== undefined && !['', 'a', 'b', 'c'].includes(type)) {
      throw invalid(`${at}/type`, "'a' (any), 'b' (block) or 'c' (character)", type)
    }
    if (access !== undefined && !/^[rwm]+$/.test(access)) {
      throw invalid(`${at}/access`, "a mix of 'r', 'w' and 'm'", access)
    }
    for (const [key, number] of [['major', major] as const, ['minor', minor] as const]) {
      if (number !== undefined && (number < -1 || number > LARGEST[key])) {
        throw invalid(`${at}/${key}`, `a ${key} number from 0 to ${LARGEST[key]}, or -1 for any`, number)
      }
    }
  }
}

/** The rules for `linux.netDevices`. */
export function checkNetDevices(devices: Readonly<Record<string, NetDevice>>): void {
  const names = new Set<string>()
  for (const [hostName, { name }] of Object.entries(devices)) {
    const at = child('/linux/netDevices', hostName)
    checkInterfaceName(hostName, at)
    if (hostName === 'lo') throw invalid(at, 'a device that can be moved', hostName)
    const inside = name || hostName
    if (name) checkInterfaceName(name, `${at}/name`, true)
    if (names.has(inside) && !inside.includes('%')) {
      throw invalid(name ? `${at}/name` : at, 'a name for each device', new Wording(`a second ${inside}`))
    }
    names.add(inside)
  }
}
