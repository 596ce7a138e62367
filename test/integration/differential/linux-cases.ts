import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from 'oci-ts'
import { hasKcore, NO_KCORE } from './host.ts'
import type { Case } from './runtimes.ts'

type Linux = NonNullable<Config['linux']>

const set = (change: Partial<Linux>) => (config: Config) => void Object.assign(config.linux!, change)
const MODE = 0o640

/** Devices, sysctls, paths, personality: what else is under `/linux`, and names of the host. */
export const linuxCases: Case[] = [
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
    except: hasKcore ? undefined : { crun: { 'paths./dev/core.*': NO_KCORE } },
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
]
