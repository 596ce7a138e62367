import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Mount } from 'oci-ts'
import { CGROUP, CGROUP_EXCEPTIONS } from './cgroup-mount.ts'
import { hasKcore, hostDevReadonly, NO_KCORE } from './host.ts'
import type { Case, Exceptions } from './runtimes.ts'

const add =
  (...mounts: Mount[]) =>
  (config: Config) =>
    void config.mounts!.push(...mounts)

const tmpfs = (...options: string[]): Mount => ({
  destination: '/mnt',
  type: 'tmpfs',
  source: 'tmpfs',
  options,
})

const MODE =
  'mounts with the mode of the covered directory; oci-ts sets that mode afterwards (paths./mnt.mode is the same)'

function tmpfsExceptions(options: readonly string[]): Exceptions {
  const mode = options.some((option) => option.startsWith('mode='))
    ? {}
    : { 'mounts./mnt.superOptions': MODE }
  const lost = options.includes('rshared') || options.includes('unbindable')
  return {
    runc: mode,
    crun: {
      ...mode,
      ...(lost
        ? { 'mounts./mnt.propagation': 'leaves the mount private, though the option must be supported' }
        : {}),
    },
  }
}

/** A case that binds a directory or a file from outside to `/mnt` or `/etc/bound`. */
function bind(options: string[], file = false): Case {
  return {
    name: `bind of a ${file ? 'file' : 'directory'}: ${options.join(',')}`,
    change: (config, { elsewhere }) => {
      // Not on the bundle's own mount: what is bound from there is private.
      mkdirSync(join(elsewhere, 'data'), { recursive: true })
      writeFileSync(join(elsewhere, 'data/file'), 'text')
      config.root!.readonly = false
      config.mounts!.push({
        destination: file ? '/etc/bound' : '/mnt',
        type: 'bind',
        source: join(elsewhere, file ? 'data/file' : 'data'),
        options,
      })
    },
    stat: file ? ['/etc/bound'] : ['/mnt', '/mnt/file'],
    except: options.includes('rprivate')
      ? undefined
      : { crun: { [`mounts.${file ? '/etc/bound' : '/mnt'}.propagation`]: 'makes bind mounts private' } },
  }
}

const STICKY = 'makes missing directories sticky'

/** `/mounts`. */
export const mountCases: Case[] = [
  ...[
    [],
    ['size=1m', 'mode=700'],
    ['size=64k', 'nr_inodes=20', 'uid=1000', 'gid=1000', 'mode=1770'],
    ['nosuid', 'nodev', 'noexec', 'noatime'],
    ['strictatime', 'nodiratime'],
    ['ro'],
    ['nosymfollow'],
    ['sync'],
    ['dirsync'],
    ['rshared'],
    ['rslave'],
    ['unbindable'],
  ].map((options) => ({
    name: `tmpfs: ${options.join(',') || 'no options'}`,
    change: add(tmpfs(...options)),
    stat: ['/mnt'],
    sees: { 'mounts./mnt.type': 'tmpfs' },
    except: tmpfsExceptions(options),
    refused: options.includes('nosymfollow') ? { crun: 'passes nosymfollow on to tmpfs' } : undefined,
  })),
  ...[
    ['bind'],
    ['bind', 'ro'],
    ['rbind', 'ro', 'nosuid', 'nodev', 'noexec'],
    ['rbind', 'rro'],
    ['bind', 'noatime'],
    ['bind', 'rprivate'],
    ['rbind', 'rslave'],
    ['bind', 'rshared'],
  ].map((options) => bind(options)),
  bind(['bind'], true),
  bind(['bind', 'ro', 'nosuid'], true),
  {
    name: 'mqueue and devpts with options',
    change: add(
      { destination: '/opt/q', type: 'mqueue', source: 'mqueue', options: ['nosuid'] },
      { destination: '/opt/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'mode=600'] },
    ),
  },
  {
    name: 'proc: subset=pid',
    change: (config) => {
      config.mounts![0]!.options = ['nosuid', 'subset=pid']
    },
    sees: { 'mounts./proc.superOptions': ['rw', 'subset=pid'] },
    refused: { runc: 'needs /proc/sys/kernel/cap_last_cap, which is not there then' },
  },
  {
    name: 'proc with options',
    change: (config) => {
      config.mounts![0]!.options = ['nosuid', 'nodev', 'noexec', 'hidepid=2']
    },
    sees: { 'mounts./proc.superOptions': ['rw', 'hidepid=invisible'] },
  },
  {
    name: 'targets: made where missing, directories and files, and over symlinks',
    change: (config, { bundle, elsewhere }) => {
      const rootfs = join(bundle, 'rootfs')
      mkdirSync(join(elsewhere, 'data'), { recursive: true })
      writeFileSync(join(elsewhere, 'data/file'), 'text')
      symlinkSync('/opt/real', join(rootfs, 'mnt/absolute'))
      mkdirSync(join(rootfs, 'opt/real'))
      const dir = join(elsewhere, 'data')
      const targets = ['/new/deep/dir', '/mnt/absolute']
      config.mounts!.push(
        ...targets.map((destination) => ({
          destination,
          type: 'bind',
          source: dir,
          options: ['bind', 'private'],
        })),
        {
          destination: '/new/deep/file',
          type: 'bind',
          source: join(dir, 'file'),
          options: ['bind', 'private'],
        },
        { destination: '/new/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      )
    },
    stat: ['/new', '/new/deep', '/new/deep/dir', '/new/deep/file', '/new/tmp', '/opt/real', '/mnt/absolute'],
    sees: { 'paths./new/deep/file.type': 'file' },
    except: { crun: { 'paths./new.mode': STICKY, 'paths./new/deep.mode': STICKY } },
  },
  {
    name: 'targets: over a symlink that leads up and to nothing',
    change: (config, { bundle, elsewhere }) => {
      mkdirSync(join(elsewhere, 'data'), { recursive: true })
      symlinkSync('../../../../opt/up', join(bundle, 'rootfs/mnt/upward'))
      const source = join(elsewhere, 'data')
      config.mounts!.push({ destination: '/mnt/upward', type: 'bind', source, options: ['bind', 'private'] })
    },
    stat: ['/mnt/upward', '/opt', '/opt/up'],
    sees: { 'paths./opt/up.type': 'directory' },
    refused: { crun: 'does not make what a symlink leads to' },
  },
  {
    name: 'mounts over one another',
    change: add(
      { destination: '/mnt', type: 'tmpfs', source: 'first', options: ['mode=700'] },
      { destination: '/mnt/inner', type: 'tmpfs', source: 'second', options: ['mode=711'] },
      { destination: '/mnt', type: 'tmpfs', source: 'third', options: ['mode=722'] },
    ),
    stat: ['/mnt', '/mnt/inner'],
    sees: { 'paths./mnt.mode': '0722', 'paths./mnt/inner.error': 'ENOENT' },
  },
  {
    name: "the host's devices, bound",
    change: (config) => {
      config.mounts = config.mounts!.filter(({ destination }) => !destination.startsWith('/dev'))
      config.mounts.push({
        destination: '/dev',
        type: 'bind',
        source: '/dev',
        options: ['rbind', 'rprivate'],
      })
    },
    stat: ['/dev/null', '/dev/fd', '/dev/ptmx'],
    sees: { 'paths./dev/null.rdev': '1:3' },
    // Only where the host's own is mounted so: in the sandbox.
    except: hostDevReadonly
      ? { crun: { 'mounts./dev.options': 'clears what the source is mounted with' } }
      : undefined,
  },
  {
    name: 'sysfs that can be written',
    change: (config) => {
      for (const mount of config.mounts!)
        if (mount.type === 'sysfs') mount.options = ['nosuid', 'noexec', 'nodev', 'rw']
    },
    sees: { 'mounts./sys.options': ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'] },
  },
  {
    name: 'a read-only /dev',
    change: (config) => {
      for (const mount of config.mounts!) if (mount.destination === '/dev') mount.options!.push('ro')
    },
    stat: ['/dev', '/dev/null', '/dev/ptmx'],
    sees: { 'paths./dev.writable': false, 'paths./dev/null.writable': true },
    except: hasKcore ? undefined : { crun: { 'paths./dev.content': NO_KCORE } },
  },
  {
    name: 'a cgroup mount',
    change: add(CGROUP),
    except: CGROUP_EXCEPTIONS,
  },
]
