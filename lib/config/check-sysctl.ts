import type { NamespaceType } from '../../types/index.ts'
import type { NamespacePaths } from './check-namespaces.ts'
import { child } from './pointer.ts'
import { invalid } from './problem.ts'

/** The parameters outside of trees that belong to the ipc namespace. */
const IPC: readonly string[] = [
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
]

/**
 * The file of a kernel parameter, as the components of its path below `/proc/sys`. As in sysctl(8), the separator is the
 * first of `.` and `/` in the name; the other one then stands for a dot: `net.ipv4.conf.eth0/1.mtu` and
 * `net/ipv4/conf/eth0.1/mtu` are the same.
 *
 * @returns undefined if that would not be a plain path below `/proc/sys`
 */
export function sysctlPath(name: string): string[] | undefined {
  const separator = /[./]/.exec(name)?.[0]
  const path = separator === '.' ? name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : name
  const components = path.split('/')
  const plain = components.every(
    (part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'),
  )
  return plain ? components : undefined
}

/**
 * The rules for `linux.sysctl`: only parameters of a namespace that the container has of its own, since all others are the
 * host's.
 */
export function checkSysctl(sysctl: Readonly<Record<string, string>>, namespaces: NamespacePaths): void {
  for (const name of Object.keys(sysctl)) {
    const at = child('/linux/sysctl', name)
    const components = sysctlPath(name)
    if (!components) throw invalid(at, 'the name of a kernel parameter', name)
    const path = components.join('/')
    if (path === 'kernel/hostname') {
      throw invalid(at, 'the host name as the property hostname', name)
    }
    const owner = ownerOf(path)
    if (owner === undefined) {
      throw invalid(at, 'a kernel parameter that belongs to a namespace', name, 'Set it on the host instead.')
    }
    if (!namespaces.has(owner)) {
      const hint = `Add {"type": "${owner}"} to linux.namespaces.`
      throw invalid(at, `a ${owner} namespace of its own to set this in`, name, hint)
    }
  }
}

function ownerOf(path: string): NamespaceType | undefined {
  if (path.startsWith('net/')) return 'network'
  if (IPC.includes(path) || path.startsWith('fs/mqueue/')) return 'ipc'
  if (path === 'kernel/domainname') return 'uts'
  if (path.startsWith('user/')) return 'user'
  return undefined
}
