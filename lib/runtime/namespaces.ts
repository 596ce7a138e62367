import { statSync } from 'node:fs'
import type { Config, NamespaceType } from '../../types/index.ts'

/** Names in /proc/PID/ns that differ from the config's. */
const NAMES: Partial<Record<NamespaceType, string>> = { network: 'net', mount: 'mnt' }

/**
 * Which namespace each path of the config leads to (`net:[4026531840]`), by path; what can't be read or is none is left
 * out. It may be a link in /proc/PID/ns or a file that a namespace is bound on.
 */
export function namespaceIds(config: Config): Record<string, string> | undefined {
  let found: Record<string, string> | undefined
  for (const { type, path } of config.linux?.namespaces ?? []) {
    if (!path) continue
    found ??= {}
    try {
      const { dev, ino } = statSync(path)
      if (dev === statSync('/proc/self/ns/mnt').dev) found[path] = `${NAMES[type] ?? type}:[${ino}]`
    } catch {
      // The step that opens it will say what is wrong.
    }
  }
  return found
}
