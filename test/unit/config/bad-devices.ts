import { type BadCase, namespaces, type Patch } from './cases.ts'

const sysctl = (name: string, ...without: string[]): Patch => ({
  '/linux/sysctl': { [name]: '1' },
  '/linux/namespaces': namespaces(without),
  ...(without.includes('uts') ? { '/hostname': '' } : {}),
})
const device = (value: object): Patch => ({
  '/linux/devices': [{ path: '/dev/x', type: 'c', major: 1, minor: 3, ...value }],
})
const net = (value: object): Patch => ({ '/linux/netDevices': value })
const rule = (value: object): Patch => ({ '/linux/resources/devices/1': { allow: true, ...value } })

/** Kernel parameters and devices that break a rule. */
export const BAD_DEVICES: readonly BadCase[] = [
  [
    'a parameter of the host',
    sysctl('kernel.core_pattern'),
    '/linux/sysctl/kernel.core_pattern',
    /belongs to a namespace/,
  ],
  [
    'the same with slashes',
    sysctl('kernel/core_pattern'),
    '/linux/sysctl/kernel~1core_pattern',
    /belongs to a namespace/,
  ],
  [
    'a way out of net with slashes',
    sysctl('net/../kernel/core_pattern'),
    '/linux/sysctl/net~1..~1kernel~1core_pattern',
    /name of a kernel parameter/,
  ],
  [
    'a way out of net with dots',
    sysctl('net.//.kernel.core_pattern'),
    '/linux/sysctl/net.~1~1.kernel.core_pattern',
    /name of a kernel parameter/,
  ],
  [
    'a way out of net from its start',
    sysctl('/net/a'),
    '/linux/sysctl/~1net~1a',
    /name of a kernel parameter/,
  ],
  ['a parameter without a name', sysctl(''), '/linux/sysctl/', /name of a kernel parameter/],
  ['a parameter with a gap', sysctl('net..ipv4'), '/linux/sysctl/net..ipv4', /name of a kernel parameter/],
  ['a parameter with a NUL', sysctl('net.a\0'), '/linux/sysctl/net.a\0', /name of a kernel parameter/],
  [
    'net on the host',
    sysctl('net.ipv4.ip_forward', 'network'),
    '/linux/sysctl/net.ipv4.ip_forward',
    /network namespace/,
  ],
  [
    'message queues on the host',
    sysctl('fs.mqueue.msg_max', 'ipc'),
    '/linux/sysctl/fs.mqueue.msg_max',
    /ipc namespace/,
  ],
  [
    'shared memory on the host',
    sysctl('kernel.shmmax', 'ipc'),
    '/linux/sysctl/kernel.shmmax',
    /ipc namespace/,
  ],
  [
    'the domain name on the host',
    sysctl('kernel.domainname', 'uts'),
    '/linux/sysctl/kernel.domainname',
    /uts namespace/,
  ],
  ['the host name', sysctl('kernel.hostname'), '/linux/sysctl/kernel.hostname', /property hostname/],
  [
    'user limits without a user namespace',
    sysctl('user.max_user_namespaces'),
    '/linux/sysctl/user.max_user_namespaces',
    /user namespace/,
  ],
  ['a device with a relative path', device({ path: 'dev/x' }), '/linux/devices/0/path', /absolute/],
  [
    'a device without major',
    device({ major: undefined }),
    '/linux/devices/0/major',
    /major number.*got nothing/,
  ],
  [
    'a block device without minor',
    device({ type: 'b', minor: undefined }),
    '/linux/devices/0/minor',
    /minor number/,
  ],
  ['a device with a negative major', device({ major: -1 }), '/linux/devices/0/major', /0 to 4095/],
  ['a device with a major of 13 bits', device({ major: 4096 }), '/linux/devices/0/major', /0 to 4095/],
  ['a device with a minor of 21 bits', device({ minor: 1048576 }), '/linux/devices/0/minor', /1048575/],
  [
    'a device with a minor of 64 bits',
    device({ minor: 2n ** 62n }),
    '/linux/devices/0/minor',
    /1048575, got 4611686018427387904/,
  ],
  [
    'a device with an impossible mode',
    device({ fileMode: 0o1000000 }),
    '/linux/devices/0/fileMode',
    /permission bits/,
  ],
  ['a device of nobody at all', device({ uid: 4294967295 }), '/linux/devices/0/uid', /4294967294/],
  [
    'two devices at one path',
    {
      '/linux/devices': [
        { path: '/dev/x', type: 'c', major: 1, minor: 3 },
        { path: '/dev/x', type: 'b', major: 1, minor: 3 },
      ],
    },
    '/linux/devices/1/path',
    /c 1:3 and b 1:3/,
  ],
  [
    'net devices on the host',
    { ...net({ eth0: {} }), '/linux/namespaces': namespaces(['network']) },
    '/linux/netDevices',
    /network namespace/,
  ],
  ['the loopback device', net({ lo: {} }), '/linux/netDevices/lo', /can be moved/],
  [
    'a net device of 16 bytes',
    net({ abcdefghijklmnop: {} }),
    '/linux/netDevices/abcdefghijklmnop',
    /1 to 15 bytes/,
  ],
  ['a net device with a slash', net({ 'a/b': {} }), '/linux/netDevices/a~1b', /interface name/],
  [
    'a net device with a colon',
    net({ eth0: { name: 'a:1' } }),
    '/linux/netDevices/eth0/name',
    /interface name/,
  ],
  [
    'a net device with a space',
    net({ eth0: { name: 'a b' } }),
    '/linux/netDevices/eth0/name',
    /interface name/,
  ],
  ['a net device called ..', net({ eth0: { name: '..' } }), '/linux/netDevices/eth0/name', /interface name/],
  ['a net device with %s', net({ eth0: { name: 'a%s' } }), '/linux/netDevices/eth0/name', /followed by d/],
  ['a net device with %d twice', net({ eth0: { name: 'a%d%d' } }), '/linux/netDevices/eth0/name', /one '%'/],
  [
    'two net devices with one name',
    net({ eth0: { name: 'eth1' }, eth1: {} }),
    '/linux/netDevices/eth1',
    /second eth1/,
  ],
  ['a rule for a FIFO', rule({ type: 'p' }), '/linux/resources/devices/1/type', /'a' \(any\)/],
  ['a rule with an unknown access', rule({ access: 'rwx' }), '/linux/resources/devices/1/access', /mix of/],
  ['a rule with no access', rule({ access: '' }), '/linux/resources/devices/1/access', /mix of.*got ""/],
  [
    'a rule with a major of -2',
    rule({ type: 'c', major: -2 }),
    '/linux/resources/devices/1/major',
    /-1 for any/,
  ],
  [
    'a rule with a minor too large',
    rule({ type: 'c', minor: 2 ** 20 }),
    '/linux/resources/devices/1/minor',
    /1048575/,
  ],
]
