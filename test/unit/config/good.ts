import { type GoodCase, IDS, namespaces, USER } from './cases.ts'

const MAX = 2n ** 64n - 1n

/** Configs that are right, and where they raise a warning. */
export const GOOD: readonly GoodCase[] = [
  ['the default', {}],
  ['the least', { '/process': undefined, '/hostname': undefined, '/mounts': undefined, '/linux': undefined }],
  [
    'the least that can start',
    { '/process': { cwd: '/', args: ['sh'] }, '/hostname': undefined, '/linux': undefined },
  ],
  ['a later minor version', { '/ociVersion': '1.99.0-rc.1+dev' }],
  ['an old version', { '/ociVersion': '0.5.0-dev' }, ['/ociVersion']],
  ['unknown properties', { '/x': { y: null }, '/process/x': 1, '/linux/x': [], '/linux/resources/x': 'a\0' }],
  [
    "other platforms' sections",
    {
      '/windows': { layerFolders: 'any' },
      '/vm': 1,
      '/solaris': null,
      '/zos': [],
      '/freebsd': { jail: { vnet: 'disable' } },
    },
  ],
  [
    'nulls for what is not set',
    {
      '/process/apparmorProfile': null,
      '/process/env': null,
      '/mounts/0/options': null,
      '/hooks': null,
      '/linux/seccomp': null,
      '/linux/resources/memory': { limit: null },
    },
  ],
  ['an absolute root', { '/root': { path: '/var/lib/x', readonly: false } }],
  ['a terminal of a size', { '/process/consoleSize': { height: 25, width: 80 } }],
  [
    'a user with everything',
    { '/process/user': { uid: 1000, gid: 1000, umask: 0o27, additionalGids: [5, 6], username: 'x\0' } },
  ],
  ['empty arguments after the program', { '/process/args': ['sh', '', '-c'] }],
  ['odd variables', { '/process/env': ['A=', 'B==', 'C=a\nb', 'A=2'] }],
  [
    'all limits',
    {
      '/process/rlimits': [
        'AS',
        'CORE',
        'CPU',
        'DATA',
        'FSIZE',
        'LOCKS',
        'MEMLOCK',
        'MSGQUEUE',
        'NICE',
        'NOFILE',
        'NPROC',
        'RSS',
        'RTPRIO',
        'RTTIME',
        'SIGPENDING',
        'STACK',
      ].map((name) => ({ type: `RLIMIT_${name}`, soft: 1, hard: MAX })),
    },
  ],
  ['no limit at all', { '/process/rlimits': [{ type: 'RLIMIT_CORE', soft: MAX, hard: MAX }] }],
  [
    'capabilities that are not known',
    { '/process/capabilities': { bounding: ['CAP_NO_SUCH', 'kill'], ambient: [] } },
  ],
  ['no capabilities', { '/process/capabilities': undefined }],
  ['a score of zero', { '/process/oomScoreAdj': 0 }],
  [
    'the lowest nice value',
    { '/process/scheduler': { policy: 'SCHED_BATCH', nice: 19, flags: ['SCHED_FLAG_RESET_ON_FORK'] } },
  ],
  ['real time', { '/process/scheduler': { policy: 'SCHED_FIFO', priority: 99 } }],
  [
    'a deadline',
    { '/process/scheduler': { policy: 'SCHED_DEADLINE', runtime: 1e6, deadline: 2e6, period: 3e6 } },
  ],
  ['idle I/O', { '/process/ioPriority': { class: 'IOPRIO_CLASS_IDLE' } }],
  ['CPUs for exec', { '/process/execCPUAffinity': { initial: '7', final: '0-3, 7' } }],
  [
    'a bind mount with every kind of option',
    {
      '/mounts/7': {
        destination: '/a',
        type: 'none',
        source: 'b',
        options: ['rbind', 'rro', 'nosuid', 'noatime', 'rprivate', ''],
      },
    },
  ],
  [
    'a relative destination',
    { '/mounts/7': { destination: 'a', type: 'tmpfs', options: ['tmpcopyup', 'size=1k'] } },
    ['/mounts/7/destination'],
  ],
  ['tmpcopyup elsewhere', { '/mounts/0/options': ['tmpcopyup'] }, ['/mounts/0/options']],
  [
    'an id-mapped mount',
    {
      '/mounts/7': {
        destination: '/a',
        source: '/b',
        options: ['rbind', 'ridmap'],
        uidMappings: IDS,
        gidMappings: IDS,
      },
    },
  ],
  [
    "an id-mapped mount with the container's mappings",
    { ...USER, '/mounts/7': { destination: '/a', source: '/b', options: ['bind', 'idmap'] } },
  ],
  [
    'every hook',
    {
      '/hooks': {
        prestart: [{ path: '/a', args: ['a', 'b'], env: ['C'], timeout: 1 }],
        createRuntime: [],
        createContainer: [{ path: '/a' }],
        startContainer: [{ path: '/a' }],
        poststart: [{ path: '/a' }],
        poststop: [{ path: '/a' }],
      },
    },
  ],
  ['annotations', { '/annotations': { 'org.example/x~y': 'any\0thing', __proto__x: '' } }],
  ['no namespaces', { '/linux': {}, '/hostname': '' }],
  [
    'all namespaces',
    {
      ...USER,
      '/linux/namespaces': namespaces([], { type: 'user' }, { type: 'cgroup' }, { type: 'time' }),
      '/linux/timeOffsets': { monotonic: { secs: -5 }, boottime: { secs: 9223372036, nanosecs: 999999999 } },
    },
  ],
  [
    'namespaces to join',
    {
      '/linux/namespaces': namespaces(
        ['network', 'ipc'],
        { type: 'network', path: '/run/netns/a' },
        { type: 'ipc', path: '/proc/1/ns/ipc' },
        { type: 'user', path: '/proc/1/ns/user' },
      ),
    },
  ],
  [
    'a joined user namespace with mappings',
    { ...USER, '/linux/namespaces/5/path': '/proc/1/ns/user' },
    ['/linux/uidMappings', '/linux/gidMappings'],
  ],
  [
    '340 ranges of ids',
    {
      ...USER,
      '/linux/uidMappings': Array.from({ length: 340 }, (_, i) => ({
        containerID: i,
        hostID: 1000 + i,
        size: 1,
      })),
    },
  ],
  ['the last id', { ...USER, '/linux/uidMappings': [{ containerID: 0, hostID: 0, size: 4294967295 }] }],
  [
    'parameters of every namespace',
    {
      ...USER,
      '/linux/sysctl': {
        'net.ipv4.ip_forward': '1',
        'net/ipv4/conf/eth0.1/mtu': '1',
        'kernel.shmmax': '1',
        'fs.mqueue.msg_max': '9',
        'kernel.domainname': 'x',
        'user.max_user_namespaces': '0',
      },
    },
  ],
]
