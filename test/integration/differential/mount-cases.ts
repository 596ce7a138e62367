import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Mount } from 'oci-ts'
import { CGROUP, CGROUP_EXCEPTIONS } from './cgroup-mount.ts'
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
    crun: { ...mode, ...(lost ? { 'mounts./mnt.propagation': 'leaves the mount private' } : {}) },
  }
}

/** Whether the host's /dev is mounted read-only. */
const DEV_READONLY = / \/dev ro,/.test(readFileSync('/proc/self/mountinfo', 'utf8'))

/** Whether /dev/core has something to lead to. */
export const hasKcore = existsSync('/proc/kcore')
export const NO_KCORE = 'links to /proc/kcore where there is none'

/** A case that binds a directory or a file from outside to `/mnt` or `/etc/bound`. */
function bind(options: string[], file = false): Case {
  return {
    name: `bind of a ${file ? 'file' : 'directory'}: ${options.join(',')}`,
    change: (config, { elsewhere }) => {
      // The peers make the bundle's own mount private: what is bound from there can't be a slave.
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

const SLAVE = {
  'mounts./.propagation':
    'makes the mount below the root private before it binds the root: no master is left',
}

const STICKY = 'makes missing directories sticky'
const FORBIDDEN = 'binds, to mask paths and make them read-only, when that is forbidden'

const PROPAGATION = {
  shared: ['shared'],
  rshared: ['shared'],
  rprivate: [],
  rslave: ['master'],
  unbindable: ['unbindable'],
  runbindable: ['unbindable'],
} as const

/** The root filesystem and `/mounts`. */
export const mountCases: Case[] = [
  {
    name: 'root: writable',
    change: (config) => {
      config.root!.readonly = false
    },
    stat: ['/', '/etc/passwd', '/tmp'],
    sees: { 'paths./.writable': true },
  },
  { name: 'root: read-only', stat: ['/', '/etc/passwd', '/tmp'], sees: { 'paths./.writable': false } },
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
    name: 'rootfsPropagation: private',
    change: (config) => {
      config.linux!.rootfsPropagation = 'private'
    },
    sees: { 'mounts./.propagation': [] },
  },
  {
    name: 'rootfsPropagation: slave',
    change: (config) => {
      config.linux!.rootfsPropagation = 'slave'
    },
    sees: { 'mounts./.propagation': ['master'] },
    except: { runc: SLAVE, crun: SLAVE },
  },
  ...(['shared', 'rshared', 'rprivate', 'rslave', 'unbindable', 'runbindable'] as const).map((value) => ({
    name: `rootfsPropagation: ${value}`,
    change: (config: Config) => {
      config.linux!.rootfsPropagation = value
    },
    sees: { 'mounts./.propagation': PROPAGATION[value] },
    except: value === 'rslave' ? { runc: SLAVE, crun: SLAVE } : undefined,
    refused: value === 'runbindable' ? { runc: FORBIDDEN, crun: FORBIDDEN } : undefined,
  })),
  {
    name: "a bind from the bundle's own mount",
    change: (config, { bundle }) => {
      mkdirSync(join(bundle, 'volume'))
      config.mounts!.push({
        destination: '/mnt',
        type: 'bind',
        source: join(bundle, 'volume'),
        options: ['bind'],
      })
    },
    sees: { 'mounts./mnt.propagation': [] },
  },
  {
    name: 'without pivot_root',
    noPivot: true,
    stat: ['/', '/..', '/etc/passwd'],
    sees: { 'process.cwd': '/' },
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
    except: DEV_READONLY
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
