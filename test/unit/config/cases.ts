import { spec } from '../../../lib/config/spec.ts'

/** Values by JSON pointer: what a case puts into the default config. Undefined takes a property away. */
export type Patch = Readonly<Record<string, unknown>>

/** A config that is wrong: its name, what is put into the default config, where the error is, what the error says. */
export type BadCase = readonly [name: string, patch: Patch, path: string, message: RegExp]

/** A config that is right, and the places of its warnings. */
export type GoodCase = readonly [name: string, patch: Patch, warnings?: readonly string[]]

/** The default config with some values of its own. */
export function patched(patch: Patch): Record<string, unknown> {
  const config = spec() as unknown as Record<string, unknown>
  for (const [pointer, value] of Object.entries(patch)) put(config, pointer, value)
  return config
}

function put(root: object, pointer: string, value: unknown): void {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = keys.pop()!
  let target = root as Record<string, unknown>
  for (const key of keys) {
    target[key] ??= {}
    target = target[key] as Record<string, unknown>
  }
  if (value === undefined) delete target[last]
  else target[last] = structuredClone(value)
}

/** The default namespaces, without some and with others. */
export function namespaces(without: readonly string[], ...more: readonly object[]): object[] {
  const kept = spec().linux!.namespaces!.filter(({ type }) => !without.includes(type))
  return [...kept, ...more]
}

/** One range of ids, all of them on the host too. */
export const IDS = [{ containerID: 0, hostID: 100000, size: 65536 }]

/** What makes the default config one with a user namespace. */
export const USER: Patch = {
  '/linux/namespaces': namespaces([], { type: 'user' }),
  '/linux/uidMappings': IDS,
  '/linux/gidMappings': IDS,
}
