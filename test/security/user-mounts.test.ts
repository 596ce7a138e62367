import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Mount } from 'oci-ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeRootfs } from '../harness/rootfs.ts'
import { tempDir } from '../harness/temp.ts'
import { failure, runShell } from '../integration/runtime/support.ts'

// What is mounted in a container with a user namespace must not show on the host, and the host's mount flags must hold:
// the container's root has CAP_SYS_ADMIN over its mount namespace.

const ROOT = 100_000

/** Makes the container's root an ordinary user of the host that may mount. */
function asUser(config: Config, ...mounts: Mount[]): void {
  const linux = config.linux!
  linux.namespaces!.push({ type: 'user' })
  linux.uidMappings = [{ containerID: 0, hostID: ROOT, size: 65536 }]
  linux.gidMappings = [{ containerID: 0, hostID: ROOT, size: 65536 }]
  delete linux.seccomp
  const caps = ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE']
  config.process!.capabilities = { bounding: caps, effective: caps, permitted: caps }
  config.mounts!.push(...mounts)
}

let rootfs: string
let shared: string

beforeEach(() => {
  rootfs = makeRootfs()
  for (const name of ['data', 'other']) {
    mkdirSync(join(rootfs, name))
    chownSync(join(rootfs, name), ROOT, ROOT)
  }
  shared = tempDir('oci-ts-shared-')
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0777', 'volume', shared])
  execFileSync('mount', ['--make-shared', shared])
  mkdirSync(join(shared, 'in'))
  mkdirSync(join(shared, 'low'))
})

afterEach(() => {
  execFileSync('umount', ['-R', shared])
})

function mountsOfHost(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4]!)
    .filter((path) => path?.startsWith(shared))
    .sort()
}

function run(script: string, ...mounts: Mount[]) {
  return runShell(script, (config) => {
    config.root.path = rootfs
    asUser(config, ...mounts)
  })
}

describe.each(['bind', 'rbind'])('a shared mount of the host as the source of a %s', (kind) => {
  test('what the container mounts in it stays in the container', async () => {
    const { stdout, stderr } = await run(
      'mount -t tmpfs evil /data/in && grep -c " /data/in " /proc/self/mountinfo',
      { destination: '/data', source: shared, options: [kind] },
    )
    expect(stderr).toBe('')
    expect(stdout).toBe('1\n')
    expect(mountsOfHost()).toEqual([shared])
  })

  test('what the config mounts in it does too', async () => {
    const { stdout } = await run(
      'touch /data/in/file && ls /data/in',
      { destination: '/data', source: shared, options: [kind] },
      { destination: '/data/in', type: 'tmpfs', source: 'tmpfs', options: ['mode=0777'] },
    )
    expect(stdout).toBe('file\n')
    expect(mountsOfHost()).toEqual([shared])
    expect(existsSync(join(shared, 'in/file'))).toBe(false)
  })

  test('what the host mounts there later arrives: it is a slave', async () => {
    const { stdout } = await run(
      "sed -n 's,.* /data .* \\(master\\|shared\\):.*,\\1,p' /proc/self/mountinfo",
      {
        destination: '/data',
        source: shared,
        options: [kind],
      },
    )
    expect(stdout).toBe('master\n')
  })

  test('asked to share it, the container shares it with nobody but itself', async () => {
    await run('mount -t tmpfs evil /data/in', {
      destination: '/data',
      source: shared,
      options: [kind, 'rshared'],
    })
    expect(mountsOfHost()).toEqual([shared])
  })
})

test.each(['private', 'rslave', 'rshared', 'runbindable'] as const)(
  'the root directory, too, lets nothing out: %s',
  async (rootfsPropagation) => {
    execFileSync('cp', ['-a', `${rootfs}/.`, shared])
    const { stderr, exitCode } = await runShell(
      'mount -t tmpfs evil /in && mount -t tmpfs evil /data/low',
      (config) => {
        config.root.path = shared
        config.linux!.rootfsPropagation = rootfsPropagation
        asUser(config, { destination: '/data', source: shared, options: ['rbind'] })
      },
    )
    expect(stderr).not.toMatch(/evil/)
    expect(exitCode).toBe(0)
    expect(mountsOfHost()).toEqual([shared])
  },
)

describe('the flags of the host’s mount', () => {
  beforeEach(() => execFileSync('mount', ['-o', 'remount,ro,nosuid,nodev,noexec', shared]))
  afterEach(() => execFileSync('mount', ['-o', 'remount,rw', shared]))

  const flagsOf = "sed -n 's,.* /data \\([^ ]*\\) .*,\\1,p' /proc/self/mountinfo | tail -n 1"

  test.each(['bind', 'rbind'])('can’t be undone from inside a %s', async (kind) => {
    const script = `for f in rw suid dev exec rw,suid,dev,exec; do mount -o remount,bind,$f /data && echo $f; done; ${flagsOf}; touch /data/x`
    const { stdout, stderr } = await run(script, { destination: '/data', source: shared, options: [kind] })
    expect(stdout).toBe('ro,nosuid,nodev,noexec,relatime\n')
    expect(stderr).toMatch(/Read-only file system/)
  })

  test('stay when others are added', async () => {
    const { stdout } = await run(flagsOf, {
      destination: '/data',
      source: shared,
      options: ['rbind', 'nosuid', 'ro'],
    })
    expect(stdout).toBe('ro,nosuid,nodev,noexec,relatime\n')
  })

  test.each(['rw', 'suid', 'dev', 'exec', 'rrw'])(
    'a config that takes one away is refused: %s',
    async (option) => {
      const mount = { destination: '/data', source: shared, options: ['rbind', option] }
      const error = await failure(run('true', mount), 'ERR_OCI_STEP_FAILED')
      expect(error).toMatchObject({ errno: 1, syscall: 'mount_setattr' })
      expect(error.path).toMatch(/^\/mounts\/\d+$/)
      expect(error.message).toMatch(/locked/)
    },
  )
})

describe('what only the host’s root can reach', () => {
  test('can be the root directory, and the source of a mount', async () => {
    const closed = tempDir('oci-ts-closed-')
    const path = join(closed, 'rootfs')
    execFileSync('cp', ['-a', rootfs, path])
    const file = join(closed, 'file')
    writeFileSync(file, 'text\n')
    chmodSync(file, 0o644)
    mkdirSync(join(closed, 'dir'))
    chmodSync(closed, 0o700)
    const { stdout, stderr } = await runShell(
      'cat /data/file; stat -c %F /other; ls -a / | grep -c oci',
      (config) => {
        config.root.path = path
        writeFileSync(join(path, 'data/file'), '')
        asUser(
          config,
          { destination: '/data/file', source: file, options: ['bind', 'ro'] },
          { destination: '/other', source: join(closed, 'dir'), options: ['rbind'] },
        )
      },
    )
    expect(stderr).toBe('')
    expect(stdout).toBe('text\ndirectory\n0\n')
  })

  test('a bind of the host’s whole root shows the host’s root', async () => {
    const { stdout } = await run(
      'ls /data; cat /data/etc/hostname 2>/dev/null >&2; grep -c oci /proc/self/mountinfo',
      {
        destination: '/data',
        source: '/',
        options: ['rbind', 'ro'],
      },
    )
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['etc', 'usr', 'proc']))
  })

  test('without pivot_root too, and what was staged is covered', async () => {
    const script = 'cat /data/file; grep -c " /data/file " /proc/self/mountinfo'
    const file = join(tempDir('oci-ts-file-'), 'file')
    writeFileSync(file, 'text\n')
    const { stdout } = await runShell(
      script,
      (config) => {
        config.root.path = rootfs
        writeFileSync(join(rootfs, 'data/file'), '')
        asUser(config, { destination: '/data/file', source: file, options: ['bind'] })
      },
      { noPivot: true },
    )
    expect(stdout).toBe('text\n1\n')
  })
})
