import type { Config } from 'oci-ts'
import type { Case } from './runtimes.ts'

type Changed = NonNullable<Config['process']>

const set = (change: Partial<Changed>) => (config: Config) => void Object.assign(config.process!, change)
const NET = ['CAP_NET_RAW', 'CAP_NET_ADMIN']
const SETS = ['bounding', 'permitted', 'inheritable', 'effective', 'ambient'] as const

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
  {
    name: 'annotations',
    change: (config) => void Object.assign(config, { annotations: { 'org.example.key': 'value' } }),
  },
]
