import { type BadCase, IDS, namespaces, type Patch, USER } from './cases.ts'

const user = (more: Patch): Patch => ({ ...USER, ...more })
const offsets = (value: object): Patch => ({
  '/linux/namespaces': namespaces([], { type: 'time' }),
  '/linux/timeOffsets': value,
})

/** Namespaces that break a rule, and what lacks a namespace. */
export const BAD_NAMESPACES: readonly BadCase[] = [
  [
    'a namespace twice',
    { '/linux/namespaces': namespaces([], { type: 'pid' }) },
    '/linux/namespaces/5/type',
    /once.*pid/,
  ],
  [
    'a namespace twice, once by path',
    { '/linux/namespaces': namespaces([], { type: 'ipc', path: '/proc/1/ns/ipc' }) },
    '/linux/namespaces/5/type',
    /ipc/,
  ],
  [
    'a relative namespace path',
    { '/linux/namespaces/1/path': 'netns/a' },
    '/linux/namespaces/1/path',
    /absolute/,
  ],
  ['a host name without uts', { '/linux/namespaces': namespaces(['uts']) }, '/hostname', /uts namespace/],
  ['a host name without linux', { '/linux': undefined }, '/hostname', /uts namespace/],
  [
    'a domain name without uts',
    { '/hostname': undefined, '/domainname': 'a', '/linux/namespaces': namespaces(['uts']) },
    '/domainname',
    /uts namespace/,
  ],
  ['a host name of 65 bytes', { '/hostname': 'a'.repeat(65) }, '/hostname', /64 bytes/],
  ['a host name of 22 signs and 66 bytes', { '/hostname': '€'.repeat(22) }, '/hostname', /64 bytes/],
  [
    'masked paths without a mount namespace',
    { '/linux/namespaces': namespaces(['mount']) },
    '/linux/maskedPaths',
    /mount namespace/,
  ],
  [
    'readonly paths without a mount namespace',
    { '/linux/namespaces': namespaces(['mount']), '/linux/maskedPaths': [] },
    '/linux/readonlyPaths',
    /mount namespace/,
  ],
  ['a relative masked path', { '/linux/maskedPaths/2': 'proc/kcore' }, '/linux/maskedPaths/2', /absolute/],
  ['a relative readonly path', { '/linux/readonlyPaths/1': '' }, '/linux/readonlyPaths/1', /absolute/],
  [
    'a user namespace without mappings',
    { '/linux/namespaces': namespaces([], { type: 'user' }) },
    '/linux/uidMappings',
    /at least one mapping.*got nothing/,
  ],
  [
    'a user namespace without group mappings',
    user({ '/linux/gidMappings': [] }),
    '/linux/gidMappings',
    /at least one mapping/,
  ],
  [
    'mappings without a user namespace',
    { '/linux/uidMappings': IDS },
    '/linux/uidMappings',
    /user namespace/,
  ],
  [
    'group mappings without a user namespace',
    { '/linux/gidMappings': IDS },
    '/linux/gidMappings',
    /user namespace/,
  ],
  [
    'an empty range',
    user({ '/linux/uidMappings': [{ containerID: 0, hostID: 0, size: 0 }] }),
    '/linux/uidMappings/0/size',
    /at least 1/,
  ],
  [
    'a range beyond 32 bits',
    user({ '/linux/gidMappings': [{ containerID: 0, hostID: 4294967290, size: 10 }] }),
    '/linux/gidMappings/0/hostID',
    /4294967290 \+ 10/,
  ],
  [
    'ranges that overlap inside',
    user({ '/linux/uidMappings': [...IDS, { containerID: 65535, hostID: 500000, size: 1 }] }),
    '/linux/uidMappings/1/containerID',
    /\/0 does not map/,
  ],
  [
    'ranges that overlap outside',
    user({ '/linux/uidMappings': [...IDS, { containerID: 70000, hostID: 99999, size: 2 }] }),
    '/linux/uidMappings/1/hostID',
    /\/0 does not map/,
  ],
  [
    '341 ranges',
    user({
      '/linux/uidMappings': Array.from({ length: 341 }, (_, i) => ({ containerID: i, hostID: i, size: 1 })),
    }),
    '/linux/uidMappings',
    /340 ranges, got an array of 341/,
  ],
  [
    'a uid that is not mapped',
    user({ '/process/user/uid': 65536 }),
    '/process/user/uid',
    /uidMappings.*65536/,
  ],
  ['a gid that is not mapped', user({ '/process/user/gid': 70000 }), '/process/user/gid', /gidMappings/],
  [
    'an extra gid that is not mapped',
    user({ '/process/user/additionalGids': [1, 70000] }),
    '/process/user/additionalGids/1',
    /gidMappings/,
  ],
  [
    'offsets without a time namespace',
    { '/linux/timeOffsets': { monotonic: { secs: 1 } } },
    '/linux/timeOffsets',
    /time namespace/,
  ],
  [
    'offsets of a time namespace that is joined',
    { ...offsets({ monotonic: { secs: 1 } }), '/linux/namespaces/5/path': '/proc/1/ns/time' },
    '/linux/timeOffsets',
    /joined/,
  ],
  [
    'an offset of another clock',
    offsets({ realtime: { secs: 1 } }),
    '/linux/timeOffsets/realtime',
    /monotonic or boottime/,
  ],
  [
    'an offset of a thousand million ns',
    offsets({ boottime: { nanosecs: 1e9 } }),
    '/linux/timeOffsets/boottime/nanosecs',
    /999999999/,
  ],
  [
    'an offset of 300 years',
    offsets({ monotonic: { secs: 9223372037 } }),
    '/linux/timeOffsets/monotonic/secs',
    /9223372036/,
  ],
  [
    'an offset of -2^63 seconds',
    offsets({ monotonic: { secs: -(2n ** 63n) } }),
    '/linux/timeOffsets/monotonic/secs',
    /9223372036/,
  ],
]
