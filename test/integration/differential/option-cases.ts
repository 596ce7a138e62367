import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Mount } from 'oci-ts'
import type { Case, Exceptions } from './runtimes.ts'

const add =
  (...mounts: Mount[]) =>
  (config: Config) =>
    void config.mounts!.push(...mounts)

const MODE =
  'mounts with the mode of the covered directory; oci-ts sets that mode afterwards (paths./mnt.mode is the same)'

/** What is particular about a case: a difference by its path, or a refusal. */
interface Particular {
  except?: Exceptions
  refused?: Case['refused']
}

const HANDS_ON = 'hands it on to the filesystem, which does not know it'
const PRIVATE = 'leaves the mount private'
const LATER = 'never clears a flag: the later option does not count'
const ATIME = 'does not clear what was there, and the kernel refuses'
const runc = (path: string, why: string): Particular => ({ except: { runc: { [path]: why } } })
const crun = (path: string, why: string): Particular => ({ except: { crun: { [path]: why } } })
const refusedBy = (peer: 'runc' | 'crun', why: string): Particular => ({ refused: { [peer]: why } })

/** What is compared of a tmpfs: options, by blanks. */
const TMPFS: Readonly<Record<string, Particular>> = {
  ...plain(
    'async atime dev diratime exec lazytime mand noatime nolazytime nomand norelatime nostrictatime relatime',
  ),
  ...plain('rw suid tmpcopyup private rprivate slave'),
  defaults: refusedBy('runc', HANDS_ON),
  ...Object.fromEntries(
    ['iversion', 'noiversion', 'loud', 'silent', 'symfollow'].map((name) => [
      name,
      refusedBy('crun', HANDS_ON),
    ]),
  ),
  shared: crun('mounts./mnt.propagation', PRIVATE),
  runbindable: crun('mounts./mnt.propagation', PRIVATE),
  'ro rw': crun('mounts./mnt.options', LATER),
  'noexec exec nosuid suid nodev dev': crun('mounts./mnt.options', LATER),
  'noatime atime': crun('mounts./mnt.options', LATER),
  rro: runc('mounts./mnt.options', 'sets recursive options of bind mounts only'),
}

const MASTER = 'makes bind mounts private'
const NOSYMFOLLOW = 'does not set it'

/** The same of a bind mount. */
const BINDS: Readonly<Record<string, Particular>> = {
  ...Object.fromEntries(
    'atime dev diratime exec relatime rw strictatime suid symfollow'
      .split(' ')
      .map((name) => [`bind ${name}`, {}]),
  ),
  ...Object.fromEntries(
    'rdev rexec rnodev rnoexec rnorelatime rnosuid rrw rsuid rsymfollow rro'
      .split(' ')
      .map((name) => [`rbind ${name}`, {}]),
  ),
  ...Object.fromEntries(
    'ratime rdiratime rnoatime rnodiratime rnostrictatime rstrictatime'
      .split(' ')
      .map((name) => [`rbind ${name}`, refusedBy('crun', ATIME)]),
  ),
  'bind nosymfollow': crun('mounts./mnt.options', NOSYMFOLLOW),
  'rbind rnosymfollow': crun('mounts./mnt.options', NOSYMFOLLOW),
  'rbind rrelatime': crun('mounts./mnt.options', 'takes it for rnosymfollow'),
  'rbind ro rnosuid': {},
  'bind ro rw': crun('mounts./mnt.options', LATER),
  'bind private': {},
  'bind shared': {},
  'bind slave': {},
  'bind unbindable': {},
  'rbind runbindable': {},
  'rbind private slave': refusedBy('crun', 'asks the kernel for both at once'),
}

function plain(names: string): Record<string, Particular> {
  return Object.fromEntries(names.split(' ').map((name) => [name, {}]))
}

function tmpfs([words, { except = {}, refused }]: [string, Particular]): Case {
  const options = words.split(' ')
  return {
    name: `options of a tmpfs: ${words}`,
    change: add({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options }),
    sees: { 'mounts./mnt.type': 'tmpfs' },
    except: {
      runc: { 'mounts./mnt.superOptions': MODE, ...except.runc },
      crun: { 'mounts./mnt.superOptions': MODE, ...except.crun },
    },
    refused,
  }
}

/** Of a directory on another mount than the bundle's. */
function bind([words, { except = {}, refused }]: [string, Particular]): Case {
  const asked = words.endsWith('private')
  return {
    name: `options of a bind: ${words}`,
    change: (config, { elsewhere }) => {
      const source = join(elsewhere, 'tree')
      mkdirSync(join(source, 'sub'), { recursive: true })
      config.mounts!.push({ destination: '/mnt', type: 'bind', source, options: words.split(' ') })
    },
    except: {
      ...except,
      crun: { ...(asked ? {} : { 'mounts./mnt.propagation': MASTER }), ...except.crun },
    },
    refused,
  }
}

const ONLY_MOUNT = 'makes the mount read-only, and not the filesystem, as mount(8) does'

/** Every option of mounts by its name and with `r` before it, but for those of other cases. */
export const optionCases: Case[] = [
  ...Object.entries(TMPFS).map(tmpfs),
  ...Object.entries(BINDS).map(bind),
  {
    name: 'remount: a bind',
    change: (config, place) => {
      bind(['bind private', {}]).change!(config, place)
      const source = config.mounts!.at(-1)!.source!
      config.mounts!.push({ destination: '/mnt', source, options: ['remount', 'bind', 'ro', 'nosuid'] })
    },
    sees: { 'mounts./mnt.options': ['ro', 'nosuid', 'relatime'] },
  },
  {
    name: 'remount: a tmpfs',
    change: add(
      { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['mode=700', 'size=64k'] },
      { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['remount', 'size=128k', 'ro'] },
    ),
    sees: { 'mounts./mnt.superOptions': ['ro', 'size=128k', 'mode=700'] },
    except: {
      runc: { 'mounts./mnt.superOptions': ONLY_MOUNT },
      crun: { 'mounts./mnt.superOptions': ONLY_MOUNT },
    },
  },
  {
    name: 'tmpcopyup of a directory with files',
    change: (config, { bundle }) => {
      const dir = join(bundle, 'rootfs/opt/data')
      mkdirSync(join(dir, 'sub'), { recursive: true })
      writeFileSync(join(dir, 'sub/file'), 'text', { mode: 0o640 })
      symlinkSync('sub/file', join(dir, 'link'))
      config.mounts!.push({
        destination: '/opt/data',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['tmpcopyup', 'mode=750'],
      })
    },
    stat: ['/opt/data', '/opt/data/sub', '/opt/data/sub/file', '/opt/data/link'],
    sees: { 'paths./opt/data/sub/file.mode': '0640', 'paths./opt/data/link.target': 'sub/file' },
  },
  {
    name: 'rbind takes the mounts below, bind does not',
    change: (config, { elsewhere }) => {
      const source = join(elsewhere, 'nested')
      mkdirSync(join(source, 'inner'), { recursive: true })
      execFileSync('sh', [
        '-c',
        'mountpoint -q "$0" || mount -t tmpfs -o mode=711 inner "$0"',
        join(source, 'inner'),
      ])
      config.mounts!.push(
        { destination: '/mnt', type: 'bind', source, options: ['rbind', 'private'] },
        { destination: '/opt', type: 'bind', source, options: ['bind', 'private'] },
        { destination: '/var', type: 'bind', source, options: ['rbind', 'rro', 'rprivate'] },
      )
    },
    stat: ['/mnt/inner', '/opt/inner', '/var/inner'],
    except: { crun: { 'mounts./mnt/inner.propagation': 'makes what lies below private too' } },
    sees: {
      'paths./mnt/inner.mode': '0711',
      'paths./opt/inner.mode': '0755',
      'paths./var/inner.writable': false,
    },
  },
]
