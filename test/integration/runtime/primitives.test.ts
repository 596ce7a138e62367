import { chmodSync, closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLONE, launch, MOUNT_ATTR, OciError, type Plan, runSteps, SYNC } from 'oci-ts/primitives'
import { describe, expect, test } from 'vitest'
import { tempDir } from '../../harness/temp.ts'
import { failure, textOf } from './support.ts'

const env = ['PATH=/usr/bin:/bin']
const run = (script: string): Plan => [
  { op: 'findProgram', program: 'sh', env },
  { op: 'exec', args: ['sh', '-c', script], env },
]

describe('launch', () => {
  test('a plan of one program', async () => {
    const child = await launch(run('cat; exit 5'))
    child.stdin!.end('hello')
    expect(await textOf(child.stdout)).toBe('hello')
    expect(await child.wait()).toEqual({ exitCode: 5, signal: null })
  })

  test('namespaces, a host name and a mount of its own', async () => {
    const dir = tempDir()
    const plan: Plan = [
      { op: 'hostname', name: 'primitive' },
      { op: 'propagation', path: '/', flags: (1 << 18) | 16384 },
      { op: 'open', to: 0, path: '/', flags: 0x200000 },
      { op: 'mountFs', root: 0, target: dir, fstype: 'tmpfs', attrs: MOUNT_ATTR.NOSUID },
      ...run(`uname -n; echo $$; echo x > ${dir}/file; grep -c " ${dir} " /proc/self/mountinfo`),
    ]
    const child = await launch(plan, { flags: CLONE.NEWUTS | CLONE.NEWPID | CLONE.NEWNS })
    expect(await textOf(child.stdout)).toBe('primitive\n1\n1\n')
    await child.wait()
    expect(() => readFileSync(join(dir, 'file'))).toThrow('ENOENT')
  })

  test('an access time takes the place of the one before', async () => {
    const dir = tempDir()
    const plan: Plan = [
      { op: 'propagation', path: '/', flags: (1 << 18) | 16384 },
      { op: 'open', to: 0, path: '/', flags: 0x200000 },
      { op: 'bind', root: 0, source: dir, target: dir, attrSet: MOUNT_ATTR.NOATIME },
      ...run(`grep " ${dir} " /proc/self/mountinfo | cut -d " " -f 6`),
    ]
    const child = await launch(plan, { flags: CLONE.NEWNS })
    expect(await textOf(child.stdout)).toMatch(/\bnoatime$/m)
    await child.wait()
  })

  test('a read-only filesystem that takes the mode of what it covers is read-only', async () => {
    const dir = tempDir()
    chmodSync(dir, 0o1770)
    const plan: Plan = [
      { op: 'propagation', path: '/', flags: (1 << 18) | 16384 },
      { op: 'open', to: 0, path: '/', flags: 0x200000 },
      { op: 'mountFs', root: 0, target: dir, fstype: 'tmpfs', attrs: MOUNT_ATTR.RDONLY, inheritMode: true },
      ...run(`stat -c %a ${dir}; touch ${dir}/x 2>&1`),
    ]
    const child = await launch(plan, { flags: CLONE.NEWNS })
    expect(await textOf(child.stdout)).toMatch(/^1770\n.*Read-only/)
    await child.wait()
  })

  test('fds in slots', async () => {
    const path = join(tempDir(), 'out')
    const fd = openSync(path, 'w')
    const child = await launch(
      [
        { op: 'findProgram', program: 'sh', env },
        { op: 'exec', args: ['sh', '-c', 'echo three >&3'], env, fds: [9] },
      ],
      { fds: { 9: fd } },
    )
    closeSync(fd)
    await child.wait()
    expect(readFileSync(path, 'utf8')).toBe('three\n')
  })

  test('a user namespace, mapped', async () => {
    const ids = [{ containerID: 0, hostID: 12345, size: 1 }]
    const plan: Plan = [
      { op: 'unshare', flags: CLONE.NEWUSER },
      { op: 'dumpable', on: true },
      { op: 'sync', name: SYNC.map },
      { op: 'setIds', uid: 0, gid: 0, groups: [] },
      ...run('id -u; cat /proc/self/uid_map'),
    ]
    const child = await launch(plan, { idMaps: { uid: ids, gid: ids } })
    expect((await textOf(child.stdout)).replaceAll(/\s+/g, ' ')).toBe('0 0 12345 1 ')
    await failure(launch(plan), 'ERR_OCI_OPTION_INVALID')
  })

  test('a failed step names itself', async () => {
    const error = await failure(
      launch([{ op: 'chdir', path: '/no/such' }, ...run('true')]),
      'ERR_OCI_STEP_FAILED',
    )
    expect(error).toMatchObject({ step: 'chdir', syscall: 'chdir', errnoName: 'ENOENT' })
    await failure(launch([{ op: 'fail', errno: 5, text: 'because' }, ...run('true')]), 'ERR_OCI_STEP_FAILED')
    await failure(launch([]), 'ERR_OCI_OPTION_INVALID')
    await expect(launch([{ op: 'nop', x: 1 } as never, ...run('true')])).rejects.toBeInstanceOf(OciError)
  })

  test('the time of each step', async () => {
    const child = await launch([{ op: 'nop' }, ...run('true')], { trace: true })
    await child.wait()
    expect(child.trace.map(({ step }) => step)).toContain('findProgram')
  })
})

describe('runSteps', () => {
  test('reads, and gives fds', async () => {
    const dir = tempDir()
    const { reads, fds } = await runSteps(
      [
        { op: 'mkdir', path: join(dir, 'a/b'), mode: 0o700, parents: true, to: 3 },
        { op: 'write', dir: 3, path: 'file', data: Buffer.from('text'), flags: 0o100, mode: 0o600 },
        { op: 'read', dir: 3, path: 'file', max: 100 },
      ],
      { keep: [3] },
    )
    expect(Buffer.from(reads[0]!).toString()).toBe('text')
    expect(fds[0]).toBeGreaterThan(2)
    closeSync(fds[0]!)
  })

  test('a failed step names itself', async () => {
    const error = await failure(runSteps([{ op: 'rmdir', path: '/no/such' }]), 'ERR_OCI_STEP_FAILED')
    expect(error).toMatchObject({ step: 'rmdir', errnoName: 'ENOENT' })
  })
})
