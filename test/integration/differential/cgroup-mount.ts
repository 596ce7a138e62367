import type { Mount } from 'oci-ts'
import { unified } from './host.ts'
import type { Exceptions } from './runtimes.ts'

/** The cgroup mount of the default config. */
export const CGROUP: Mount = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
}

const WRITABLE = 'leaves the tmpfs that holds the hierarchies writable, though the mount is `ro`'

/** How the peers differ: where cgroup v1 has one mount for each hierarchy, and where v2 has one. */
export const CGROUP_EXCEPTIONS: Exceptions = unified
  ? {
      crun: {
        'mounts./sys/fs/cgroup.options': 'adds nosymfollow',
        'mounts./sys/fs/cgroup.source': 'names the mount after its type, and not as the config does',
      },
    }
  : {
      runc: { 'mounts./sys/fs/cgroup.options': WRITABLE },
      crun: {
        'mounts./sys/fs/cgroup.options': WRITABLE,
        'mounts./sys/fs/cgroup.source': 'another name of the tmpfs',
        'mounts./sys/fs/cgroup.superOptions': 'another size and mode of the tmpfs',
        'mounts./sys/fs/cgroup/*.options': 'adds nosymfollow',
        'mounts./sys/fs/cgroup/*.propagation': 'binds them as private',
      },
    }
