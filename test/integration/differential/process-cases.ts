import type { Config } from 'oci-ts'
import { ALL, hasApparmor, noRealTime } from './host.ts'
import { USER_NAMESPACE } from './namespace-cases.ts'
import type { Case, Exceptions } from './runtimes.ts'

type Changed = NonNullable<Config['process']>

const set = (change: Partial<Changed>) => (config: Config) => void Object.assign(config.process!, change)
const NET = ['CAP_NET_RAW', 'CAP_NET_ADMIN']
const POLICIES = ['SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RR', 'SCHED_BATCH', '', 'SCHED_IDLE', 'SCHED_DEADLINE']
const SETS = ['bounding', 'permitted', 'inheritable', 'effective', 'ambient'] as const

const NO_REAL_TIME = 'a new cgroup of v1 has no real time, and the kernel refuses the policy'

const WHERE = 'the specification asks for a bind mount of the terminal: it links'
const CONSOLE: Exceptions = {
  crun: { 'mounts./dev/console.*': WHERE, 'paths./dev/console.*': WHERE },
}

const preserved = (fd: number) => ({
  fd,
  target: '/dev/null',
  type: 'char',
  access: 'r',
  append: false,
  nonblock: false,
  tty: false,
  uid: 0,
})

/** Identity, capabilities, limits, environment: everything under `/process`. */
export const processCases: Case[] = [
  { name: 'the default config', sees: { 'process.pid': 1, 'caps.effective': '0000000020000420' } },
  ...SETS.slice(0, 3).map((name) => ({
    name: `capabilities: more in ${name} only`,
    change: (config: Config) => {
      const capabilities = config.process!.capabilities!
      capabilities.bounding = [...capabilities.bounding!, 'CAP_NET_RAW']
      if (name !== 'bounding') capabilities[name] = [...(capabilities[name] ?? []), 'CAP_NET_RAW']
    },
    sees: { 'caps.bounding': '0000000020002420' },
  })),
  {
    name: 'capabilities: all five sets',
    change: set({ capabilities: Object.fromEntries(SETS.map((name) => [name, NET])) }),
    sees: { 'caps.ambient': '0000000000003000' },
  },
  {
    name: 'capabilities: ambient, of an ordinary user',
    change: set({
      user: { uid: 1000, gid: 1000 },
      capabilities: Object.fromEntries(SETS.map((name) => [name, NET])),
    }),
    sees: { 'caps.ambient': '0000000000003000', 'caps.effective': '0000000000003000' },
  },
  {
    name: 'capabilities: no ambient, of an ordinary user',
    change: set({ user: { uid: 1000, gid: 1000 } }),
    sees: { 'caps.effective': '0000000000000000' },
  },
  {
    name: 'capabilities: empty sets',
    change: set({ capabilities: {} }),
    sees: { 'caps.bounding': '0000000000000000' },
  },
  {
    name: 'user: ids, additional groups, umask',
    change: set({ user: { uid: 1000, gid: 2000, additionalGids: [5, 7], umask: 0o27 } }),
    sees: { 'ids.uid': [1000, 1000, 1000, 1000], 'ids.groups': [5, 7], 'process.umask': '0027' },
  },
  { name: 'user: an id without an account', change: set({ user: { uid: 4321, gid: 4321 } }) },
  {
    name: 'user: umask 0',
    change: set({ user: { uid: 0, gid: 0, umask: 0 } }),
    sees: { 'process.umask': '0000' },
  },
  {
    name: 'rlimits',
    change: set({
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_NPROC', soft: 500, hard: 600 },
        { type: 'RLIMIT_STACK', soft: 4194304, hard: 16777216 },
        { type: 'RLIMIT_MEMLOCK', soft: 65536, hard: 65536 },
        { type: 'RLIMIT_FSIZE', soft: 1048576, hard: 2097152 },
      ],
    }),
    sees: { 'rlimits.NOFILE': ['100', '200'], 'rlimits.FSIZE': ['1048576', '2097152'] },
  },
  {
    name: 'noNewPrivileges: false',
    change: set({ noNewPrivileges: false }),
    sees: { 'caps.noNewPrivileges': false },
  },
  { name: 'oomScoreAdj', change: set({ oomScoreAdj: 321 }), sees: { 'oom.scoreAdj': '321' } },
  {
    name: 'oomScoreAdj of an ordinary user',
    change: set({ oomScoreAdj: 100, user: { uid: 1000, gid: 1000 } }),
    sees: { 'oom.scoreAdj': '100' },
  },
  {
    name: 'env: HOME is set, empty values',
    change: set({ env: ['PATH=/bin', 'HOME=/opt', 'EMPTY=', 'SPACE=a b', 'EQUALS=a=b'] }),
    sees: { 'process.env': ['PATH=/bin', 'HOME=/opt', 'EMPTY=', 'SPACE=a b', 'EQUALS=a=b'] },
  },
  {
    name: 'env: HOME of an ordinary user',
    change: set({ env: ['PATH=/bin'], user: { uid: 1000, gid: 1000 } }),
    sees: { 'process.env': ['PATH=/bin', 'HOME=/home/user'] },
  },
  { name: 'cwd', change: set({ cwd: '/usr/lib' }), sees: { 'process.cwd': '/usr/lib' } },
  {
    name: 'cwd that is made',
    change: (config) => {
      config.root!.readonly = false
      config.process!.cwd = '/opt/new/place'
    },
    stat: ['/opt/new', '/opt/new/place'],
    sees: { 'process.cwd': '/opt/new/place' },
  },
  {
    name: 'args: looked up along PATH',
    change: set({ env: ['PATH=/nowhere:/usr/bin:/'] }),
    program: 'probe',
    sees: { 'process.argv': ['probe'] },
  },
  {
    name: 'args: relative to cwd',
    change: set({ cwd: '/usr' }),
    program: '../probe',
    sees: { 'process.argv': ['../probe'] },
  },
  { name: 'args: a program that is missing', program: '/no/such', refused: ALL('there is no such program') },
  {
    name: 'args: a program that may not be run',
    program: '/etc/passwd',
    refused: ALL('it is not executable'),
  },
  { name: 'args: a directory', program: '/etc', refused: ALL('it is no file') },
  {
    name: 'cwd that is a file',
    change: set({ cwd: '/etc/passwd' }),
    refused: ALL('it is no directory'),
  },
  ...['unconfined', 'no-such-profile'].map((apparmorProfile) => ({
    name: `apparmorProfile: ${apparmorProfile}`,
    change: set({ apparmorProfile }),
    ...(hasApparmor && apparmorProfile === 'unconfined'
      ? { sees: { 'lsm.apparmor': 'unconfined' } }
      : { refused: ALL('there is no such profile, or no AppArmor') }),
    kept: hasApparmor ? undefined : { crun: 'does without where there is no AppArmor' },
  })),
  {
    name: 'selinuxLabel',
    change: set({ selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2' }),
    refused: ALL('there is no SELinux'),
  },
  {
    name: 'scheduler: batch with nice',
    change: set({ scheduler: { policy: 'SCHED_BATCH', nice: 5 } }),
    sees: { 'sched.policy': 3, 'sched.nice': 5 },
  },
  {
    name: 'ioPriority',
    change: set({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } }),
    sees: { 'sched.ioClass': 2, 'sched.ioPriority': 6 },
  },
  ...(
    [
      { policy: 'SCHED_FIFO', priority: 10 },
      { policy: 'SCHED_RR', priority: 3, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
      { policy: 'SCHED_OTHER', nice: -5 },
      { policy: 'SCHED_IDLE' },
      { policy: 'SCHED_DEADLINE', runtime: 1_000_000, deadline: 10_000_000, period: 20_000_000 },
    ] satisfies Changed['scheduler'][]
  ).map((scheduler: NonNullable<Changed['scheduler']>) => ({
    name: `scheduler: ${Object.values(scheduler).join(' ')}`,
    change: set({ scheduler }),
    ...(/FIFO|RR/.test(scheduler.policy) && noRealTime
      ? { refused: ALL(NO_REAL_TIME) }
      : { sees: { 'sched.policy': POLICIES.indexOf(scheduler.policy) } }),
  })),
  ...(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'] as const).map((name, index) => ({
    name: `ioPriority: ${name}`,
    change: set({ ioPriority: { class: name, priority: 1 } }),
    sees: { 'sched.ioClass': index + 1 },
  })),
  ...[
    ['user namespace', { uid: 1000, gid: 1000, additionalGids: [7] }] as const,
    ['user namespace, root', { uid: 0, gid: 0, additionalGids: [5, 2000] }] as const,
  ].map(([name, user]) => ({
    name: `user in a ${name}`,
    change: (config: Config) => {
      set({ user: { ...user, additionalGids: [...user.additionalGids] } })(config)
      const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
      config.linux!.namespaces!.push({ type: 'user' })
      Object.assign(config.linux!, { uidMappings: mappings, gidMappings: mappings })
    },
    sees: { 'ids.groups': [...user.additionalGids] },
    except: USER_NAMESPACE,
  })),
  {
    name: 'env: a name that comes twice',
    change: set({ env: ['PATH=/bin', 'A=1', 'B=2', 'A=3'] }),
    sees: { 'process.env': ['PATH=/bin', 'B=2', 'A=3', 'HOME=/root'] },
    except: { crun: { 'process.env': 'gives the last value the place of the first' } },
  },
  {
    name: 'terminal, with a size',
    change: set({ terminal: true, consoleSize: { height: 33, width: 99 } }),
    stat: ['/dev/console', '/dev/pts/0', '/dev/tty'],
    sees: { 'tty.rows': 33, 'tty.columns': 99, 'tty.controlling': true, 'tty.stdio': [true, true, true] },
    except: CONSOLE,
  },
  {
    name: 'terminal of an ordinary user',
    change: set({ terminal: true, user: { uid: 1000, gid: 1000 } }),
    stat: ['/dev/console', '/dev/pts/0'],
    sees: { 'tty.controlling': true, 'paths./dev/pts/0.uid': 1000 },
    except: CONSOLE,
  },
  {
    name: 'descriptors that are handed on',
    preserveFds: 3,
    sees: { fds: [0, 1, 2].map((fd) => ({ fd, tty: false })).concat([3, 4, 5].map(preserved)) },
  },
  {
    name: 'annotations',
    change: (config) => void Object.assign(config, { annotations: { 'org.example.key': 'value' } }),
  },
]
