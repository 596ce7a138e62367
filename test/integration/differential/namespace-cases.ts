import type { Config } from 'oci-ts'
import type { Case, Exceptions, Place } from './runtimes.ts'

type Kind = NonNullable<NonNullable<Config['linux']>['namespaces']>[number]['type']

const without =
  (...types: Kind[]) =>
  (config: Config) => {
    config.linux!.namespaces = config.linux!.namespaces!.filter(({ type }) => !types.includes(type))
  }

/** Where the process outside has its namespace of a kind. */
const LINK: Readonly<Record<Kind, string>> = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid_for_children',
  time: 'time_for_children',
  user: 'user',
  uts: 'uts',
}

/** Joins namespaces of the process outside, in place of new ones. */
const join =
  (...types: Kind[]) =>
  (config: Config, { outside }: Place) => {
    without(...types)(config)
    for (const type of types) config.linux!.namespaces!.push({ type, path: `${outside}/${LINK[type]}` })
    if (types.includes('uts')) delete config.hostname
  }

const MAPPINGS = [{ containerID: 0, hostID: 0, size: 65_536 }]

/** Joins a pid namespace from a new user namespace. */
function joinPid(config: Config, place: Place): void {
  join('pid')(config, place)
  config.linux!.namespaces!.push({ type: 'user' })
  Object.assign(config.linux!, { uidMappings: MAPPINGS, gidMappings: MAPPINGS })
  // A procfs belongs to the pid namespace, which is not the user namespace's.
  config.mounts![0] = { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind'] }
}

/** Without a mount namespace nothing can be mounted, masked or made read-only. */
function onTheHost(config: Config): void {
  without('mount')(config)
  config.mounts = []
  config.root!.readonly = false
  config.linux!.maskedPaths = []
  config.linux!.readonlyPaths = []
}

const SPOILS = 'binds the root and changes the propagation of `/`: of the host, since there is no other'

const HOST_PIDS = Object.fromEntries(
  ['pid', 'ppid', 'pgid', 'sid'].map((name) => [`process.${name}`, 'another number in each run']),
)

/** How the peers differ in a user namespace. */
export const USER_NAMESPACE: Exceptions = {
  runc: {
    'keyring.session': 'other permissions',
    'mounts./dev/*.propagation': 'leaves the bound devices slaves of the host',
  },
  crun: { 'mounts./dev/*.options': 'binds devices with nosuid and noexec on top' },
}

/** `/linux/namespaces`: new, joined, and absent. */
export const namespaceCases: Case[] = [
  {
    name: 'namespaces: the network of the host',
    change: without('network'),
    sees: { 'namespaces.net': 'host' },
  },
  { name: 'namespaces: ipc of the host', change: without('ipc'), sees: { 'namespaces.ipc': 'host' } },
  {
    name: 'namespaces: pids of the host',
    change: without('pid'),
    sees: { 'namespaces.pid': 'host' },
    except: { runc: HOST_PIDS, crun: HOST_PIDS },
  },
  {
    name: 'namespaces: uts of the host',
    change: (config) => {
      without('uts')(config)
      delete config.hostname
    },
    sees: { 'namespaces.uts': 'host' },
  },
  {
    name: 'namespaces: a cgroup namespace',
    change: (config) => void config.linux!.namespaces!.push({ type: 'cgroup' }),
    sees: { 'namespaces.cgroup': 'own' },
  },
  {
    name: 'namespaces: a user namespace with mappings',
    change: (config) => {
      config.linux!.namespaces!.push({ type: 'user' })
      config.linux!.uidMappings = [
        { containerID: 0, hostID: 0, size: 1 },
        { containerID: 1, hostID: 100_001, size: 65_535 },
      ]
      config.linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }]
    },
    sees: { 'namespaces.user': 'own' },
    except: USER_NAMESPACE,
  },
  {
    name: 'namespaces: time with offsets',
    change: (config) => {
      config.linux!.namespaces!.push({ type: 'time' })
      config.linux!.timeOffsets = { monotonic: { secs: 1000, nanosecs: 5 }, boottime: { secs: 2000 } }
    },
    sees: {
      'namespaces.time': 'own',
      'time.offsets': ['monotonic        1000         5', 'boottime         2000         0'],
    },
  },
  {
    name: 'namespaces: net, ipc and uts joined',
    outsider: ['--net', '--ipc', '--uts'],
    change: join('network', 'ipc', 'uts'),
    sees: { 'namespaces.net': 'joined', 'namespaces.ipc': 'joined', 'host.hostname': 'joined' },
  },
  {
    name: 'namespaces: pid joined',
    outsider: ['--pid'],
    change: join('pid'),
    sees: { 'namespaces.pid': 'joined' },
  },
  {
    name: 'namespaces: cgroup joined',
    outsider: ['--cgroup'],
    change: join('cgroup'),
    sees: { 'namespaces.cgroup': 'joined' },
  },
  {
    name: 'namespaces: time joined',
    outsider: ['--time'],
    change: join('time'),
    sees: {
      'namespaces.time': 'joined',
      'time.offsets': ['monotonic           0         0', 'boottime         3600         0'],
    },
    refused: { crun: 'joins it only where it forks for another reason' },
  },
  {
    name: 'namespaces: mount joined',
    outsider: ['--mount'],
    change: join('mount'),
    sees: { 'namespaces.mnt': 'joined' },
  },
  {
    name: 'namespaces: user joined, the others new',
    outsider: ['--user'],
    change: join('user'),
    sees: { 'namespaces.user': 'joined', 'namespaces.mnt': 'own' },
    except: USER_NAMESPACE,
  },
  {
    name: 'namespaces: user, network and ipc joined',
    outsider: ['--user', '--net', '--ipc'],
    change: join('user', 'network', 'ipc'),
    sees: { 'namespaces.user': 'joined', 'namespaces.net': 'joined' },
    except: {
      ...USER_NAMESPACE,
      crun: { ...USER_NAMESPACE.crun, 'mounts./dev/mqueue.source': 'drops the name of the source' },
    },
  },
  {
    name: 'namespaces: user new, network and uts joined',
    outsider: ['--net', '--uts'],
    change: (config, place) => {
      join('network', 'uts')(config, place)
      config.linux!.namespaces!.push({ type: 'user' })
      Object.assign(config.linux!, { uidMappings: MAPPINGS, gidMappings: MAPPINGS })
      // A sysfs belongs to the network namespace, which is not the user namespace's.
      config.mounts = config.mounts!.filter(({ type }) => type !== 'sysfs')
    },
    sees: { 'namespaces.user': 'own', 'namespaces.net': 'joined', 'host.hostname': 'joined' },
    except: USER_NAMESPACE,
  },
  {
    name: 'namespaces: user new, pid joined',
    outsider: ['--pid'],
    change: joinPid,
    sees: { 'namespaces.user': 'own', 'namespaces.pid': 'joined' },
    except: {
      ...USER_NAMESPACE,
      crun: {
        ...USER_NAMESPACE.crun,
        'mounts./proc*.options': 'clears what the source is mounted with',
        'mounts./proc*.propagation': 'makes bind mounts private',
      },
    },
  },
  {
    name: 'namespaces: user and time new, pid joined',
    outsider: ['--pid'],
    change: (config, place) => {
      joinPid(config, place)
      config.linux!.namespaces!.push({ type: 'time' })
    },
    sees: { 'namespaces.user': 'own', 'namespaces.pid': 'joined', 'namespaces.time': 'own' },
    except: USER_NAMESPACE,
    kept: { crun: 'hangs' },
  },
  {
    name: 'namespaces: everything joined but user and mount',
    outsider: ['--net', '--ipc', '--uts', '--pid', '--cgroup', '--time'],
    change: join('network', 'ipc', 'uts', 'pid', 'cgroup', 'time'),
    sees: { 'namespaces.net': 'joined', 'namespaces.pid': 'joined', 'namespaces.time': 'joined' },
  },
  {
    name: 'namespaces: no mount namespace',
    change: onTheHost,
    sees: { 'namespaces.mnt': null, 'process.pid': 1, 'process.cwd': '/' },
    kept: { runc: SPOILS },
  },
  {
    name: 'namespaces: none at all',
    change: (config) => {
      onTheHost(config)
      config.linux!.namespaces = []
      delete config.hostname
    },
    sees: { 'ids.uid': [0, 0, 0, 0] },
    except: { crun: HOST_PIDS },
    kept: { runc: SPOILS },
  },
]
