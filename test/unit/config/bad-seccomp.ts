import type { BadCase, Patch } from './cases.ts'

const seccomp = (value: object): Patch => ({
  '/linux/seccomp': { defaultAction: 'SCMP_ACT_ALLOW', ...value },
})
const call = (value: object, more: object = {}): Patch =>
  seccomp({ syscalls: [{ names: ['getcwd'], action: 'SCMP_ACT_ERRNO', ...value }], ...more })
const rdt = (value: object): Patch => ({ '/linux/intelRdt': value })
const policy = (value: object): Patch => ({ '/linux/memoryPolicy': value })

/** Filters, and the rest of linux, that break a rule. */
export const BAD_FILTERS: readonly BadCase[] = [
  [
    'an error number with ALLOW',
    seccomp({ defaultErrnoRet: 1 }),
    '/linux/seccomp/defaultErrnoRet',
    /nothing with SCMP_ACT_ALLOW, got 1/,
  ],
  [
    'an error number with KILL',
    call({ action: 'SCMP_ACT_KILL', errnoRet: 38 }),
    '/linux/seccomp/syscalls/0/errnoRet',
    /nothing with SCMP_ACT_KILL/,
  ],
  ['an error number of 4096', call({ errnoRet: 4096 }), '/linux/seccomp/syscalls/0/errnoRet', /0 to 4095/],
  [
    'a trace message of 17 bits',
    call({ action: 'SCMP_ACT_TRACE', errnoRet: 65536 }),
    '/linux/seccomp/syscalls/0/errnoRet',
    /0 to 65535/,
  ],
  [
    'metadata without a listener',
    seccomp({ listenerMetadata: 'x' }),
    '/linux/seccomp/listenerMetadata',
    /listenerPath/,
  ],
  ['a relative listener', seccomp({ listenerPath: 'agent.sock' }), '/linux/seccomp/listenerPath', /absolute/],
  [
    'a notification without a listener',
    call({ action: 'SCMP_ACT_NOTIFY' }),
    '/linux/seccomp/syscalls/0/action',
    /listenerPath/,
  ],
  [
    'notifications without a listener',
    { '/linux/seccomp': { defaultAction: 'SCMP_ACT_NOTIFY' } },
    '/linux/seccomp/defaultAction',
    /listenerPath/,
  ],
  ['a rule for no call', call({ names: [] }), '/linux/seccomp/syscalls/0/names', /at least 1/],
  [
    'a rule for a nameless call',
    call({ names: ['a', ''] }),
    '/linux/seccomp/syscalls/0/names/1',
    /name of a system call/,
  ],
  [
    'a seventh argument',
    call({ args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }),
    '/linux/seccomp/syscalls/0/args/0/index',
    /0 to 5/,
  ],
  [
    'an unknown operator',
    call({ args: [{ index: 0, value: 0, op: 'EQ' }] }),
    '/linux/seccomp/syscalls/0/args/0/op',
    /SCMP_CMP_NE/,
  ],
  [
    'a value of 65 bits',
    call({ args: [{ index: 0, value: 2n ** 64n, op: 'SCMP_CMP_EQ' }] }),
    '/linux/seccomp/syscalls/0/args/0/value',
    /18446744073709551615/,
  ],
  ['a class of service elsewhere', rdt({ closID: '../x' }), '/linux/intelRdt/closID', /class of service/],
  ['a class of service called ..', rdt({ closID: '..' }), '/linux/intelRdt/closID', /class of service/],
  [
    "a class of service with the kernel's name",
    rdt({ closID: 'mon_groups' }),
    '/linux/intelRdt/closID',
    /class of service/,
  ],
  [
    'a cache schema of two lines',
    rdt({ l3CacheSchema: 'L3:0=f\nMB:0=1' }),
    '/linux/intelRdt/l3CacheSchema',
    /line breaks/,
  ],
  [
    'a bandwidth schema of two lines',
    rdt({ memBwSchema: 'MB:0=1\nL3:0=f' }),
    '/linux/intelRdt/memBwSchema',
    /form/,
  ],
  [
    'a schema of two lines',
    rdt({ schemata: ['L3:0=f', 'L2:0=f\n'] }),
    '/linux/intelRdt/schemata/1',
    /line breaks/,
  ],
  [
    'nodes for the default policy',
    policy({ mode: 'MPOL_DEFAULT', nodes: '0' }),
    '/linux/memoryPolicy/nodes',
    /no nodes/,
  ],
  [
    'flags for the default policy',
    policy({ mode: 'MPOL_LOCAL', flags: ['MPOL_F_STATIC_NODES'] }),
    '/linux/memoryPolicy/flags',
    /no flags/,
  ],
  ['a binding to no nodes', policy({ mode: 'MPOL_BIND' }), '/linux/memoryPolicy/nodes', /at least one node/],
  [
    'nodes that are no list',
    policy({ mode: 'MPOL_BIND', nodes: '0-x' }),
    '/linux/memoryPolicy/nodes',
    /memory nodes/,
  ],
  [
    'flags that exclude each other',
    policy({ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] }),
    '/linux/memoryPolicy/flags',
    /both/,
  ],
  [
    'balancing while interleaving',
    policy({ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }),
    '/linux/memoryPolicy/flags/0',
    /MPOL_BIND/,
  ],
]
