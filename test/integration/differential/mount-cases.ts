import { mkdirSync, writeFileSync } from 'node:fs'
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
  {
    name: 'a cgroup mount',
    change: add(CGROUP),
    except: CGROUP_EXCEPTIONS,
  },
]
