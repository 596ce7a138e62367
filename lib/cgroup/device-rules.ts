import type { DeviceRule } from '../../types/index.ts'
import { invalidLimit } from './limit-plan.ts'

/** Bits of an access to a device: BPF_DEVCG_ACC_*. */
export const ACCESS = { mknod: 1, read: 2, write: 4 } as const
const ALL = ACCESS.mknod | ACCESS.read | ACCESS.write

/** A rule in its exact form. Type, major and minor are null for any. */
export interface ExactRule {
  allow: boolean
  type: 'b' | 'c' | null
  major: number | null
  minor: number | null
  /** Bits of ACCESS. */
  access: number
  /** JSON pointer below /linux/resources; rules of the runtime's own have none. */
  from: string
}

/** What a process wants of a device: bits of ACCESS. */
export interface DeviceRequest {
  type: 'b' | 'c'
  major: number
  minor: number
  access: number
}

/**
 * What every container may do, after the rules of the config and like runc's list: make any node; null, zero, full,
 * random, urandom, tty, pseudo-terminals, and /dev/net/tun, without which too many programs break.
 */
const DEFAULTS: readonly [type: 'b' | 'c', major: number, minor: number | null, access: number][] = [
  ['c', 1, 3, ALL],
  ['c', 1, 5, ALL],
  ['c', 1, 7, ALL],
  ['c', 1, 8, ALL],
  ['c', 1, 9, ALL],
  ['c', 5, 0, ALL],
  ['c', 5, 2, ALL],
  ['c', 136, null, ALL],
  ['c', 10, 200, ALL],
]
const DEFAULT_RULES: readonly ExactRule[] = [
  { allow: true, type: 'c', major: null, minor: null, access: ACCESS.mknod, from: '' },
  { allow: true, type: 'b', major: null, minor: null, access: ACCESS.mknod, from: '' },
  ...DEFAULTS.map(([type, major, minor, access]) => ({ allow: true, type, major, minor, access, from: '' })),
]

/**
 * All rules of a container in their order: the config's, then the defaults. The last one that matches decides; without
 * any, access is denied.
 */
export function exactRules(rules: readonly DeviceRule[] | undefined): ExactRule[] {
  return [...(rules ?? []).map(exactRule), ...DEFAULT_RULES]
}

function exactRule(rule: DeviceRule, index: number): ExactRule {
  const from = `devices/${index}`
  const type = rule.type ?? 'a'
  if (type !== 'a' && type !== 'b' && type !== 'c') {
    throw invalidLimit(`${from}/type`, `expected a, b or c, got ${JSON.stringify(type)}`)
  }
  return {
    allow: rule.allow,
    type: type === 'a' ? null : type,
    major: deviceNumber(rule.major, `${from}/major`),
    minor: deviceNumber(rule.minor, `${from}/minor`),
    access: accessBits(rule.access, `${from}/access`),
    from,
  }
}

function deviceNumber(value: number | bigint | undefined, from: string): number | null {
  const number = Number(value ?? -1)
  if (number === -1) return null
  if (number >= 0 && number <= 0xffff_ffff) return number
  throw invalidLimit(from, `expected -1 (any) or a number up to 4294967295, got ${value}`)
}

function accessBits(access: string | undefined, from: string): number {
  if (access === undefined) return ALL
  if (!/^[rwm]+$/.test(access)) {
    throw invalidLimit(from, `expected a mix of r, w and m, got ${JSON.stringify(access)}`)
  }
  return (
    (access.includes('r') ? ACCESS.read : 0) |
    (access.includes('w') ? ACCESS.write : 0) |
    (access.includes('m') ? ACCESS.mknod : 0)
  )
}

/** Whether a rule speaks of all devices and all access: what comes before it doesn't matter. */
export function isTotal({ type, major, minor, access }: ExactRule): boolean {
  return type === null && major === null && minor === null && access === ALL
}

/** Whether rules allow an access: each bit by the last rule that matches it. It is what programs and lists implement. */
export function allows(rules: readonly ExactRule[], request: DeviceRequest): boolean {
  for (const bit of [ACCESS.mknod, ACCESS.read, ACCESS.write]) {
    if ((request.access & bit) === 0) continue
    const rule = rules.findLast(
      ({ type, major, minor, access }) =>
        (type ?? request.type) === request.type &&
        (major ?? request.major) === request.major &&
        (minor ?? request.minor) === request.minor &&
        (access & bit) !== 0,
    )
    if (!rule?.allow) return false
  }
  return true
}

/** What a v1 devices cgroup can hold: a default and exceptions from it. */
export interface DeviceList {
  allowByDefault: boolean
  exceptions: ExactRule[]
}

/**
 * The rules as a v1 devices cgroup has them: one list of exceptions, in no order.
 *
 * @throws ERR_OCI_CONFIG_INVALID for a rule that takes a part out of a wider exception before it: the kernel would
 *   ignore that without a word. (It would also leave narrower exceptions alone; here they are taken back as well.)
 */
export function deviceList(rules: readonly ExactRule[]): DeviceList {
  let allowByDefault = false
  let exceptions = new Map<string, ExactRule>()
  for (const rule of rules) {
    if (isTotal(rule)) {
      allowByDefault = rule.allow
      exceptions = new Map()
      continue
    }
    for (const type of rule.type === null ? (['c', 'b'] as const) : [rule.type]) {
      const exact = { ...rule, type }
      if (rule.allow !== allowByDefault) {
        const key = deviceKey(exact)
        exceptions.set(key, { ...exact, access: (exceptions.get(key)?.access ?? 0) | exact.access })
        continue
      }
      for (const [key, exception] of exceptions) {
        if (!overlap(exception, exact)) continue
        if (!within(exception, exact)) throw hole(exact, exception)
        const access = exception.access & ~exact.access
        if (access === 0) exceptions.delete(key)
        else exceptions.set(key, { ...exception, access })
      }
    }
  }
  return { allowByDefault, exceptions: [...exceptions.values()] }
}

function deviceKey({ type, major, minor }: ExactRule): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'}`
}

/** Whether two rules have a device and an access in common. */
function overlap(a: ExactRule, b: ExactRule): boolean {
  const common = (x: number | null, y: number | null) => x === null || y === null || x === y
  return (
    a.type === b.type && (a.access & b.access) !== 0 && common(a.major, b.major) && common(a.minor, b.minor)
  )
}

/** Whether all devices of one rule are among those of the other. */
function within(inner: ExactRule, outer: ExactRule): boolean {
  return (outer.major ?? inner.major) === inner.major && (outer.minor ?? inner.minor) === inner.minor
}

function hole(rule: ExactRule, wider: ExactRule) {
  const verb = rule.allow ? 'allow' : 'deny'
  return invalidLimit(
    rule.from || 'devices',
    `cgroup v1 can’t ${verb} "${deviceText(rule)}" within "${deviceText(wider)}"`,
    'list the devices one by one, or use cgroup v2',
  )
}

/** A rule as devices.allow and devices.deny take it: `c 1:3 rwm`, `*` for any. */
export function deviceText({ type, major, minor, access }: ExactRule): string {
  const bits = `${access & ACCESS.read ? 'r' : ''}${access & ACCESS.write ? 'w' : ''}${access & ACCESS.mknod ? 'm' : ''}`
  return `${type ?? 'a'} ${major ?? '*'}:${minor ?? '*'} ${bits}`
}
