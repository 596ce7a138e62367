import type { BadCase, Patch } from './cases.ts'

const scheduler = (value: object): Patch => ({ '/process/scheduler': value })

/** Processes and hooks that break a rule. */
export const BAD_PROCESSES: readonly BadCase[] = [
  ['a relative cwd', { '/process/cwd': 'tmp' }, '/process/cwd', /absolute path, got "tmp"/],
  ['an empty cwd', { '/process/cwd': '' }, '/process/cwd', /absolute path, got ""/],
  ['an empty program', { '/process/args': [''] }, '/process/args/0', /name or path of a program/],
  ['a variable without value', { '/process/env': ['A=1', 'B'] }, '/process/env/1', /NAME=value, got "B"/],
  ['a variable without name', { '/process/env': ['=1'] }, '/process/env/0', /NAME=value/],
  [
    'a terminal too wide',
    { '/process/consoleSize': { height: 1, width: 65536 } },
    '/process/consoleSize/width',
    /at most 65535/,
  ],
  ['the uid that is none', { '/process/user/uid': 4294967295 }, '/process/user/uid', /0 to 4294967294/],
  ['the gid that is none', { '/process/user/gid': 4294967295 }, '/process/user/gid', /0 to 4294967294/],
  [
    'an extra gid that is none',
    { '/process/user/additionalGids': [5, 4294967295] },
    '/process/user/additionalGids/1',
    /4294967294/,
  ],
  ['a umask of five digits', { '/process/user/umask': 0o1000 }, '/process/user/umask', /0o777.*got 512/],
  [
    'an unknown limit',
    { '/process/rlimits/0/type': 'RLIMIT_NOFILES' },
    '/process/rlimits/0/type',
    /RLIMIT_AS.*got "RLIMIT_NOFILES"/,
  ],
  ['a limit in small letters', { '/process/rlimits/0/type': 'nofile' }, '/process/rlimits/0/type', /one of/],
  [
    'a limit twice',
    { '/process/rlimits/1': { type: 'RLIMIT_NOFILE', soft: 1, hard: 1 } },
    '/process/rlimits/1/type',
    /once.*RLIMIT_NOFILE/,
  ],
  [
    'a soft limit above the hard one',
    { '/process/rlimits/0/soft': 1025 },
    '/process/rlimits/0/soft',
    /1024, got 1025/,
  ],
  [
    'the same with all 64 bits',
    { '/process/rlimits/0': { type: 'RLIMIT_AS', soft: 2n ** 64n - 1n, hard: 2n ** 64n - 2n } },
    '/process/rlimits/0/soft',
    /51614, got 18446744073709551615/,
  ],
  [
    'a nice value of 20',
    scheduler({ policy: 'SCHED_OTHER', nice: 20 }),
    '/process/scheduler/nice',
    /-20 to 19/,
  ],
  [
    'a nice value of -21',
    scheduler({ policy: 'SCHED_BATCH', nice: -21 }),
    '/process/scheduler/nice',
    /-20 to 19/,
  ],
  [
    'a priority without real time',
    scheduler({ policy: 'SCHED_OTHER', priority: 1 }),
    '/process/scheduler/priority',
    /no priority/,
  ],
  [
    'real time without priority',
    scheduler({ policy: 'SCHED_FIFO' }),
    '/process/scheduler/priority',
    /1 to 99.*got nothing/,
  ],
  [
    'a priority of 100',
    scheduler({ policy: 'SCHED_RR', priority: 100 }),
    '/process/scheduler/priority',
    /1 to 99/,
  ],
  [
    'a deadline without the policy',
    scheduler({ policy: 'SCHED_OTHER', deadline: 1 }),
    '/process/scheduler/deadline',
    /SCHED_DEADLINE/,
  ],
  [
    'a deadline policy without runtime',
    scheduler({ policy: 'SCHED_DEADLINE' }),
    '/process/scheduler/runtime',
    /1024 ns/,
  ],
  [
    'a runtime after the deadline',
    scheduler({ policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 1999 }),
    '/process/scheduler/deadline',
    /2000/,
  ],
  [
    'a deadline after the period',
    scheduler({ policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 3000, period: 2999 }),
    '/process/scheduler/period',
    /3000/,
  ],
  [
    'a deadline of 64 bits',
    scheduler({ policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 2n ** 63n }),
    '/process/scheduler/deadline',
    /2\^63/,
  ],
  [
    'CPUs from high to low',
    { '/process/execCPUAffinity': { final: '3-1' } },
    '/process/execCPUAffinity/final',
    /low to high/,
  ],
  [
    'CPUs with a lone dash',
    { '/process/execCPUAffinity': { final: '0-' } },
    '/process/execCPUAffinity/final',
    /0-3,7/,
  ],
  ['annotations without a name', { '/annotations': { '': 'x' } }, '/annotations/', /a name/],
  [
    'a hook with a relative path',
    { '/hooks': { createContainer: [{ path: 'true' }] } },
    '/hooks/createContainer/0/path',
    /absolute/,
  ],
  [
    'the second hook with a relative path',
    { '/hooks': { startContainer: [{ path: '/x' }, { path: './x' }] } },
    '/hooks/startContainer/1/path',
    /absolute/,
  ],
]
