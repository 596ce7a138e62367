import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { cgroupLayout } from '../cgroup/layout.ts'
import { native } from '../native.ts'
import type { HostFacts } from '../plan/types.ts'
import { readNamespaces } from './proc.ts'

/** The host's facts, and what else the runtime wants to know once. */
export interface RuntimeFacts extends HostFacts {
  /** Name of the user that this process runs as, or ''. */
  userName: string
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
  const [mountinfo, own, controllers] = await Promise.all([
    read('/proc/self/mountinfo'),
    read('/proc/self/cgroup'),
    read('/sys/fs/cgroup/cgroup.controllers'),
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
    cgroup: cgroupLayout(mountinfo, own, controllers),
    namespaces: readNamespaces('self'),
    userName: ownName(),
  }
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
