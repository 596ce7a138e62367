import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Container, hostBundle, run } from 'oci-ts'
import { describe, expect, test } from 'vitest'
import { peers } from '../../harness/peers.ts'
import { tempDir } from '../../harness/temp.ts'
import { bundleOf, failure, shellConfig } from './support.ts'

/** Tells our sleepers from those of other tests. */
const SECONDS = 98765

const sh = (script: string) => ({ args: ['sh', '-c', script] })

describe('run', () => {
  test('gives output, exit code and time, and leaves nothing', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('oci-ts-run-'))
    const result = await run({
      ...sh('cat; echo error >&2; echo $WHO; pwd; exit 4'),
      input: 'in\n',
      env: ['WHO=me'],
      cwd: '/tmp',
    })
    expect(result).toEqual({
      exitCode: 4,
      signal: null,
      stdout: 'in\nme\n/tmp\n',
      stderr: 'error\n',
      durationMs: expect.any(Number),
      timedOut: false,
      truncated: false,
      outOfMemory: false,
    })
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('oci-ts-run-'))).toEqual(before)
    expect((await Container.list()).filter(({ id }) => id.startsWith('run-'))).toEqual([])
  })

  test('takes a bundle, as an object or a directory', async () => {
    const bundle = await bundleOf(shellConfig('echo own; exit 1'))
    expect(await run({ bundle })).toMatchObject({ stdout: 'own\n', exitCode: 1 })
    expect(await run({ bundle: bundle.dir, ...sh('echo other') })).toMatchObject({
      stdout: 'other\n',
      exitCode: 0,
    })
    expect(bundle.config.process!.args).toEqual(['sh', '-c', 'echo own; exit 1'])
  })

  test('without input, reading finds the end', async () => {
    expect(await run(sh('cat; echo end'))).toMatchObject({ stdout: 'end\n', exitCode: 0 })
  })

  test('input may be a stream, or bytes, and may be left unread', async () => {
    const stream = Readable.from([Buffer.from('one '), Buffer.from('two')])
    expect((await run({ ...sh('cat'), input: stream })).stdout).toBe('one two')
    expect((await run({ ...sh('cat'), input: new Uint8Array([65, 66]) })).stdout).toBe('AB')
    expect((await run({ ...sh('exit 3'), input: 'x'.repeat(1_000_000) })).exitCode).toBe(3)
  })

  test('at the deadline the whole tree is killed', async () => {
    const result = await run({
      ...sh(`(trap "" TERM HUP; sleep ${SECONDS}) & setsid sleep ${SECONDS} & echo begin; sleep ${SECONDS}`),
      timeoutMs: 300,
    })
    expect(result).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGKILL', stdout: 'begin\n' })
    const left = readdirSync('/proc').filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(`sleep\0${SECONDS}`)
      } catch {
        return false
      }
    })
    expect(left).toEqual([])
  })

  test('an abort kills it', async () => {
    await failure(run({ ...sh('sleep 1000'), signal: AbortSignal.timeout(200) }), 'ERR_OCI_ABORTED')
    await failure(run({ ...sh('true'), signal: AbortSignal.abort() }), 'ERR_OCI_ABORTED')
    expect((await Container.list()).filter(({ id }) => id.startsWith('run-'))).toEqual([])
  })

  test('limits hold', async () => {
    const memory = await run({
      ...sh('head -c 200m /dev/zero | tail -c 200m | wc -c'),
      limits: { memory: 30_000_000 },
    })
    expect(memory.outOfMemory).toBe(true)
    const pids = await run({
      ...sh('for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'),
      limits: { pids: 5 },
    })
    expect(pids.stderr).toMatch(/fork/)
    // Until it has used 0.4 s of CPU time: a machine under load only makes it longer.
    const spin = `while :; do
      i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done
      read -r line < /proc/self/stat; set -- $line
      [ $((\${14} + \${15})) -lt 40 ] || exit 0
    done`
    const throttled = await run({ ...sh(spin), limits: { cpus: 0.2 } })
    expect(throttled.exitCode).toBe(0)
    expect(throttled.durationMs).toBeGreaterThan(1500)
  })

  test('too much output is dropped, not kept', async () => {
    const result = await run({ ...sh('head -c 100000 /dev/zero'), maxOutputBytes: 1000 })
    expect(result.stdout.length).toBe(1000)
    expect(result).toMatchObject({ truncated: true, exitCode: 0 })
  })

  test('wrong options, a program that is missing', async () => {
    await failure(run({ arg: ['true'] } as never), 'ERR_OCI_OPTION_INVALID')
    await failure(run({ limits: { mem: 1 } } as never), 'ERR_OCI_OPTION_INVALID')
    await failure(run({ timeoutMs: -1 }), 'ERR_OCI_OPTION_INVALID')
    await failure(run({ args: ['no-such-program'] }), 'ERR_OCI_PROGRAM_NOT_FOUND')
  })
})

describe('the host bundle', () => {
  test('shows the host’s programs and little else', async () => {
    const { stdout } = await run(
      sh(`
        ls / | tr '\\n' ' '; echo
        ls /etc | tr '\\n' ' '; echo
        for d in tmp home root var run; do touch /$d/x && echo $d; done
        for d in usr etc bin lib . proc/sys; do touch /$d/x 2>/dev/null && echo BAD $d; done
        id -un; getent passwd nobody | cut -d: -f1; cat /proc/self/status | grep NoNewPrivs
        cut -d: -f2 /etc/passwd | sort -u`),
    )
    const [top, etc, ...rest] = stdout.trim().split('\n')
    for (const name of ['dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var']) {
      expect(top!.split(' ')).toContain(name)
    }
    expect(top!.split(' ')).not.toContain('boot')
    expect(etc).toContain('passwd')
    for (const secret of ['shadow', 'gshadow', 'sudoers', 'ssh', 'machine-id'])
      expect(etc!.split(' ')).not.toContain(secret)
    expect(rest).toEqual(['tmp', 'home', 'root', 'var', 'run', 'root', 'nobody', 'NoNewPrivs:\t1', 'x'])
  })

  test('certificates and names work, private keys are not there', async () => {
    const dir = tempDir()
    const bundle = await hostBundle(dir, {
      args: ['sh', '-c', 'ls /etc/ssl; ls /etc/ssl/certs | wc -l; test -L /bin && echo link'],
    })
    const { stdout } = await run({ bundle })
    expect(stdout).not.toContain('private')
    if (lstatSync('/bin').isSymbolicLink()) expect(stdout).toContain('link')
    expect(existsSync(join(dir, 'rootfs/etc/shadow'))).toBe(false)
    expect(bundle.config.mounts!.filter(({ source }) => source === '/usr')).toHaveLength(1)
    // Nothing of the container was written here, and doing it again is no error.
    expect(readdirSync(join(dir, 'rootfs/tmp'))).toEqual([])
    await hostBundle(dir, { args: ['true'] })
    expect((await run({ bundle: dir })).exitCode).toBe(0)
  })

  test('what is mounted below /usr is read-only too', async () => {
    const { stdout } = await run(sh('grep " /usr" /proc/self/mounts | grep -vc " ro,"; true'))
    expect(stdout.trim()).toBe('0')
  })

  test('the host’s network, and a terminal, where they are asked for', async () => {
    const bundle = await hostBundle(tempDir(), {
      network: 'host',
      hostname: 'other',
      args: ['sh', '-c', 'ls /sys/class/net; hostname'],
    })
    const { stdout } = await run({ bundle })
    expect(stdout.trim().split('\n')).toEqual([...readdirSync('/sys/class/net'), 'other'])
    const own = await run(sh('ls /sys/class/net'))
    expect(own.stdout).toBe('lo\n')
  })

  test('wrong options', async () => {
    await failure(hostBundle(tempDir(), { arg: [] } as never), 'ERR_OCI_OPTION_INVALID')
    await failure(hostBundle(tempDir(), { network: 'x' } as never), 'ERR_OCI_OPTION_INVALID')
    await failure(hostBundle(tempDir(), { args: [] }), 'ERR_OCI_CONFIG_INVALID')
    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    expect(statSync(file).isFile()).toBe(true)
    await failure(hostBundle(file), 'ERR_OCI_BUNDLE_NOT_FOUND')
  })

  test.skipIf(peers() === null).each(['runc', 'crun'] as const)('it runs under %s too', async (name) => {
    const { dir } = await hostBundle(tempDir(), { args: ['sh', '-c', 'id -u; hostname'] })
    const id = `host-bundle-${process.pid}`
    const output = execFileSync(peers()![name], ['--root', tempDir(), 'run', '--bundle', dir, id], {
      encoding: 'utf8',
    })
    expect(output).toBe('0\noci-ts\n')
  })
})
