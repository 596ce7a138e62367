import { readdir, readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { hugePageSize } from '../cgroup/common/hugetlb.ts'
import { controllersFile, parseLayout, withControllers } from '../cgroup/layout.ts'
import type { CgroupLayout } from '../cgroup/types.ts'
import { native } from '../native.ts'
import type { HostFacts } from '../plan/types.ts'
import { readNamespaces } from './proc.ts'

/** The host's facts, and what else the runtime wants to know once. */
export interface RuntimeFacts extends HostFacts {
  /** Name of the user that this process runs as, or ''. */
  userName: string
  /** Not root, or root of a user namespace: cgroups may be closed. */
  rootless: boolean
  /** Sizes of huge pages, as cgroups write them: `2MB`. */
  hugePageSizes: readonly string[]
  /** Names in /sys/kernel/cgroup/delegate. */
  delegateFiles: readonly string[]
}

let known: Promise<RuntimeFacts> | undefined

/** The facts of this host and process, gathered on first use. What changes later (another cgroup) is not seen. */
export function hostFacts(): Promise<RuntimeFacts> {
  known ??= gather().catch((error: unknown) => {
    known = undefined
    throw error
  })
  return known
}

async function gather(): Promise<RuntimeFacts> {
  const facts = native().facts()
  const [cgroup, hugePages, delegate] = await Promise.all([
    readLayout(facts.cgroup2),
    readdir('/sys/kernel/mm/hugepages').catch(() => []),
    read('/sys/kernel/cgroup/delegate'),
  ])
  return {
    euid: facts.euid,
    egid: facts.egid,
    capLastCap: facts.capLastCap,
    effectiveCaps: facts.effectiveCaps,
    kernel: facts.kernel,
    mountSetattr: facts.mountSetattr,
    cloneIntoCgroup: facts.cloneIntoCgroup,
    timeNamespace: facts.timeNamespace,
    initialUserNamespace: facts.initialUserNamespace,
    apparmor: facts.apparmor,
    selinux: facts.selinux,
    cgroup,
    namespaces: readNamespaces('self'),
    userName: ownName(),
    rootless: facts.euid !== 0 || !facts.initialUserNamespace,
    hugePageSizes: hugePages.map(hugePageSize).filter((size) => size !== null),
    delegateFiles: delegate.split('\n').filter(Boolean),
  }
}

async function readLayout(cgroup2: boolean): Promise<CgroupLayout> {
  const [mountinfo, selfCgroup] = await Promise.all([read('/proc/self/mountinfo'), read('/proc/self/cgroup')])
  const layout = parseLayout({ mountinfo, selfCgroup, cgroup2 })
  const controllers = controllersFile(layout)
  return controllers === null ? layout : withControllers(layout, await read(controllers))
}

/** A file's text, or '' where it can't be read. */
function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

function ownName(): string {
  try {
    return userInfo().username
  } catch {
    // There is no entry for this uid.
    return ''
  }
}
