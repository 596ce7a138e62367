import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Container, spec } from '../../lib/index.ts'
import { native } from '../../lib/native.ts'
import { mountsBelow } from '../harness/temp.ts'
import { failure, hostile, runScript } from '../security/hostile.ts'

test('tmpcopyup keeps owner, mode, links, holes and devices; ro comes last', async () => {
  const image = hostile()
  const dir = join(image.rootfs, 'var/data')
  mkdirSync(join(dir, 'sub'), { recursive: true })
  writeFileSync(join(dir, 'sub/file'), 'content')
  chmodSync(join(dir, 'sub/file'), 0o4755)
  chownSync(join(dir, 'sub/file'), 12, 34)
  chmodSync(join(dir, 'sub/file'), 0o4755)
  symlinkSync('sub/file', join(dir, 'link'))
  chmodSync(dir, 0o1770)
  const { stdout, stderr } = await runScript(
    image,
    'cd /var/data; stat -c "%a %u %g" . sub/file; readlink link; cat link; echo; touch x; grep " /var/data " /proc/self/mountinfo | cut -d" " -f5,6',
    (config) => {
      config.mounts?.push({
        destination: '/var/data',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['tmpcopyup', 'ro'],
      })
    },
  )
  expect(stderr).toContain('Read-only file system')
  expect(stdout.trim().split('\n')).toEqual([
    '1770 0 0',
    '4755 12 34',
    'sub/file',
    'content',
    '/var/data ro,relatime',
  ])
})

test('what is mounted below the root directory is in the container too', async () => {
  const image = hostile()
  const below = join(image.rootfs, 'mnt')
  mkdirSync(below, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', below])
  try {
    writeFileSync(join(below, 'file'), 'seen\n')
    const { stdout } = await runScript(image, 'cat /mnt/file')
    expect(stdout).toBe('seen\n')
  } finally {
    execFileSync('umount', [below])
  }
})

test('ro of a bind is its own, rro that of the whole tree', async () => {
  const image = hostile()
  const source = join(image.bundle, 'tree')
  const sub = join(source, 'sub')
  mkdirSync(sub, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', sub])
  try {
    const bound = (option: string) =>
      runScript(image, 'for d in /tree /tree/sub; do touch $d/x 2>/dev/null; echo $?; done', (config) =>
        config.mounts?.push({ destination: '/tree', source, options: ['rbind', option] }),
      )
    expect((await bound('ro')).stdout).toBe('1\n0\n')
    if (native().facts().mountSetattr) expect((await bound('rro')).stdout).toBe('1\n1\n')
    // Linux before 5.12: refused, and not half done.
    else expect(await failure(bound('rro'))).toMatchObject({ code: 'ERR_OCI_UNSUPPORTED' })
  } finally {
    execFileSync('umount', [sub])
  }
})

test('attributes of a bind: set, cleared, access times as an enumeration', async () => {
  const image = hostile()
  const { stdout } = await runScript(
    image,
    'grep " /bind" /proc/self/mountinfo | cut -d" " -f5,6',
    (config) => {
      for (const [index, options] of [
        ['bind', 'ro', 'nosuid', 'noatime'],
        ['bind', 'nodev', 'noexec', 'strictatime'],
        ['bind', 'nodiratime', 'relatime'],
      ].entries()) {
        config.mounts?.push({ destination: `/bind${index}`, source: image.outside, options })
      }
    },
  )
  expect(stdout.trim().split('\n')).toEqual([
    '/bind0 ro,nosuid,noatime',
    '/bind1 rw,nodev,noexec',
    '/bind2 rw,nodiratime,relatime',
  ])
})

test('a filesystem says what it does not like', async () => {
  const image = hostile()
  const error = await failure(
    runScript(image, 'true', (config) => {
      config.mounts?.push({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['bogus=1'] })
    }),
  )
  expect(error.message).toContain("Unknown parameter 'bogus'")
  expect(error.path).toMatch(/^\/mounts\/\d+/)
  expect(mountsBelow(image.bundle)).toEqual([])
})

test('a terminal: the size, /dev/console, the controlling terminal', async () => {
  const image = hostile()
  const config = spec()
  if (!config.process) throw new Error('no process')
  config.process.args = [
    '/bin/sh',
    '-c',
    'stty size; tty; stat -c %t:%T /dev/console; echo console > /dev/console; : < /dev/tty && echo controlling',
  ]
  config.process.consoleSize = { height: 33, width: 99 }
  writeFileSync(join(image.bundle, 'config.json'), JSON.stringify(config))
  await using container = await Container.create(`terminal-${process.pid}`, { bundle: image.bundle })
  const chunks: Uint8Array[] = []
  const { pty } = container
  if (!pty) throw new Error('no terminal')
  pty.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  await container.start()
  await container.wait()
  await new Promise((resolve) => setTimeout(resolve, 100))
  const lines = Buffer.concat(chunks).toString().split('\r\n')
  expect(lines.slice(0, 5)).toEqual(['33 99', '/dev/pts/0', '88:0', 'console', 'controlling'])
})

test('without pivot_root the root is moved', async () => {
  const image = hostile()
  const config = spec()
  if (!config.process) throw new Error('no process')
  config.process.terminal = false
  config.process.args = ['/bin/sh', '-c', 'ls -d /etc/passwd; ls /..']
  writeFileSync(join(image.bundle, 'config.json'), JSON.stringify(config))
  await using container = await Container.create(`move-${process.pid}`, {
    bundle: image.bundle,
    noPivot: true,
  })
  const chunks: Uint8Array[] = []
  container.stdout?.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  await container.start()
  expect((await container.wait()).exitCode).toBe(0)
  expect(Buffer.concat(chunks).toString()).toMatch(/^\/etc\/passwd\nbin\ndev\n/)
})

describe.each(['as root', 'in a user namespace'])('%s', (where) => {
  test('what is mounted in a bind, or masked, does not reach the host, though its mounts are shared', async () => {
    const image = hostile()
    for (const name of ['mount', 'mask', 'ro']) mkdirSync(join(image.outside, name))
    const { stdout } = await runScript(image, 'cd /data; echo x > mount/x && ls -a mask mount', (config) => {
      config.mounts?.push(
        { destination: '/data', source: image.outside, options: ['rbind'] },
        { destination: '/data/mount', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      )
      if (!config.linux) throw new Error('no linux')
      config.linux.maskedPaths = ['/data/mask']
      config.linux.readonlyPaths = ['/data/ro']
      if (where === 'as root') return
      const mappings = [{ containerID: 0, hostID: 0, size: 65536 }]
      Object.assign(config.linux, { uidMappings: mappings, gidMappings: mappings })
      config.linux.namespaces?.push({ type: 'user' })
    })
    expect(stdout).toContain('x')
    expect(mountsBelow(image.bundle)).toEqual([])
    expect(readdirSync(join(image.outside, 'mount'))).toEqual([])
  })
})
