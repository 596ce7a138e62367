import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from 'oci-ts'
import { CGROUP, CGROUP_EXCEPTIONS, unified } from './cgroup-mount.ts'
import type { Case } from './runtimes.ts'

type Linux = NonNullable<Config['linux']>
type Kind = NonNullable<Linux['namespaces']>[number]['type']

const set = (change: Partial<Linux>) => (config: Config) => void Object.assign(config.linux!, change)
const without =
  (...types: Kind[]) =>
  (config: Config) => {
    config.linux!.namespaces = config.linux!.namespaces!.filter(({ type }) => !types.includes(type))
  }
const MODE = 0o640

/** Where the limits are found, and what is there then. */
const LIMITS = unified
  ? ['memory.max', 'memory.low', 'pids.max', 'cpu.max']
  : [
      'memory/memory.limit_in_bytes',
      'memory/memory.soft_limit_in_bytes',
      'pids/pids.max',
      'cpu/cpu.shares',
      'cpu/cpu.cfs_quota_us',
    ]
const SHOWN = unified
  ? ['67108864', '33554432', '50', '50000', '100000']
  : ['67108864', '33554432', '50', '512', '50000']

const HOST_PIDS = Object.fromEntries(
  ['pid', 'ppid', 'pgid', 'sid'].map((name) => [`process.${name}`, 'another number in each run']),
)

/** Namespaces, devices, sysctls, cgroups, seccomp: everything under `/linux`, and names of the host. */
export const linuxCases: Case[] = [
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
    name: 'namespaces: net, ipc and uts joined by path',
    change: (config, { outside }) => {
      without('network', 'ipc', 'uts')(config)
      config.linux!.namespaces!.push(
        { type: 'network', path: `${outside}/net` },
        { type: 'ipc', path: `${outside}/ipc` },
        { type: 'uts', path: `${outside}/uts` },
      )
      delete config.hostname
    },
    sees: { 'namespaces.net': 'own', 'host.hostname': 'joined' },
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
    except: {
      runc: {
        'keyring.session': 'other permissions',
        'mounts./dev/*.propagation': 'leaves the bound devices slaves of the host',
      },
      crun: { 'mounts./dev/*.options': 'binds devices with nosuid and noexec on top' },
    },
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
    name: 'hostname and domainname',
    change: (config) => void Object.assign(config, { hostname: 'box', domainname: 'example.org' }),
    sees: { 'host.hostname': 'box', 'host.domainname': 'example.org' },
  },
  {
    name: 'sysctl',
    change: set({
      sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1234567', 'fs.mqueue.msg_max': '20' },
    }),
    sysctl: ['net.ipv4.ip_forward', 'kernel.shmmax', 'fs.mqueue.msg_max'],
    sees: { 'sysctl.net.ipv4.ip_forward': '1', 'sysctl.kernel.shmmax': '1234567' },
  },
  {
    name: 'devices: char, block and fifo, with mode and owner',
    change: set({
      devices: [
        { path: '/dev/one', type: 'c', major: 1, minor: 3, fileMode: MODE, uid: 12, gid: 34 },
        { path: '/dev/sub/two', type: 'b', major: 7, minor: 0, fileMode: 0o600 },
        { path: '/dev/pipe', type: 'p', fileMode: 0o622, uid: 1000, gid: 1000 },
        { path: '/dev/plain', type: 'c', major: 1, minor: 5 },
      ],
    }),
    stat: ['/dev/one', '/dev/sub', '/dev/sub/two', '/dev/pipe', '/dev/plain'],
    sees: { 'paths./dev/one.mode': '0640', 'paths./dev/sub/two.rdev': '7:0', 'paths./dev/pipe.type': 'fifo' },
  },
  {
    name: 'devices: the default ones and links',
    stat: [
      ...['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'console', 'pts', 'pts/ptmx', 'shm'],
      ...['fd', 'stdin', 'stdout', 'stderr', 'core'],
    ].map((name) => `/dev/${name}`),
    sees: { 'paths./dev/full.rdev': '1:7', 'paths./dev/fd.target': '/proc/self/fd' },
    except: { crun: { 'paths./dev/core.*': 'links to /proc/kcore where there is none' } },
  },
  {
    name: 'masked and readonly paths',
    change: (config, { bundle }) => {
      mkdirSync(join(bundle, 'rootfs/masked/dir'), { recursive: true })
      for (const file of ['masked/file', 'masked/dir/inner', 'opt/kept'])
        writeFileSync(join(bundle, 'rootfs', file), 'text')
      config.root!.readonly = false
      config.linux!.maskedPaths = ['/masked/file', '/masked/dir', '/no/such']
      config.linux!.readonlyPaths = ['/opt', '/proc/sys', '/no/such']
    },
    stat: ['/masked/file', '/opt', '/opt/kept', '/masked/dir/inner', '/proc/kcore', '/usr'],
    sees: { 'mounts./masked/file': 'masked file', 'paths./opt/kept.writable': false },
  },
  {
    name: 'no masked or readonly paths',
    change: set({ maskedPaths: [], readonlyPaths: [] }),
    stat: ['/proc/sys', '/proc/timer_list'],
  },
  {
    name: 'personality',
    change: set({ personality: { domain: 'LINUX32' } }),
    sees: { 'process.personality': '00000008', 'host.machine': 'i686' },
  },
  {
    name: 'seccomp: errno for one call',
    change: set({
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64'],
        syscalls: [{ names: ['sethostname', 'mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
      },
    }),
    show: '$(mkdir /dev/shm/x 2>&1)',
    sees: {
      'seccomp.mode': 2,
      'process.argv': [
        '/probe',
        '--',
        'mkdir:',
        "can't",
        'create',
        'directory',
        "'/dev/shm/x':",
        'Operation',
        'not',
        'supported',
      ],
    },
  },
  {
    name: 'seccomp: a condition on an argument, no new privileges off',
    change: (config) => {
      config.process!.noNewPrivileges = false
      config.linux!.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          {
            names: ['mkdir'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 95,
            args: [{ index: 1, value: 0o700, op: 'SCMP_CMP_EQ' }],
          },
        ],
      }
    },
    show: '$(mkdir -m 700 /dev/shm/a 2>&1; mkdir -m 711 /dev/shm/b 2>&1; ls /dev/shm)',
    sees: { 'seccomp.mode': 2 },
  },
  {
    name: 'cgroupsPath: relative',
    change: (config, { id }) => {
      config.linux!.cgroupsPath = `${id}-relative`
    },
  },
  {
    name: 'cgroupsPath: absolute',
    change: (config, { id }) => {
      config.linux!.cgroupsPath = `/${id}-absolute`
    },
  },
  {
    name: 'cgroupsPath: with limits of memory, pids and cpu',
    change: (config, { id }) => {
      config.linux!.cgroupsPath = `/${id}-absolute`
      config.linux!.resources = {
        memory: { limit: 64 << 20, reservation: 32 << 20 },
        pids: { limit: 50 },
        cpu: { shares: 512, quota: 50_000, period: 100_000 },
      }
      config.mounts!.push(CGROUP)
    },
    show: LIMITS.map((file) => `$(cat /sys/fs/cgroup/${file})`).join(' '),
    sees: { 'process.argv': ['/probe', '--', ...SHOWN] },
    except: CGROUP_EXCEPTIONS,
  },
]
