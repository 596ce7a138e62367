import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli, place } from './place.ts'

test('spec refuses to overwrite a config', async () => {
  const at = await place(['true'])
  const { code, stderr } = await cli(at, ['spec'])
  expect(code).toBe(1)
  expect(stderr).toContain('File config.json exists. Remove it first')
})

test('the life of a container, command by command', async () => {
  const at = await place(['sleep', '1000'])
  const ok = async (...args: string[]) => {
    const result = await cli(at, args)
    expect(result, args.join(' ')).toMatchObject({ code: 0, stderr: '' })
    return result.stdout
  }
  expect(await ok('list', '-f', 'json')).toBe('null\n')
  await ok('create', '--pid-file', 'pid', 'one')
  const { pid, status, bundle } = JSON.parse(await ok('state', 'one'))
  expect({ pid, status, bundle }).toEqual({
    pid: Number(readFileSync(join(at.dir, 'pid'), 'utf8')),
    status: 'created',
    bundle: at.dir,
  })
  await ok('start', 'one')
  expect(await cli(at, ['start', 'one'])).toMatchObject({ code: 1 })
  expect(await ok('list', '-q')).toBe('one\n')
  expect(JSON.parse(await ok('ps', '-f', 'json', 'one'))).toEqual([pid])
  await ok('pause', 'one')
  expect(JSON.parse(await ok('state', 'one')).status).toBe('paused')
  await ok('resume', 'one')
  await ok('update', '--pids-limit', '20', 'one')
  await ok('kill', 'one', 'KILL')
  await expect.poll(async () => JSON.parse(await ok('state', 'one')).status).toBe('stopped')
  await ok('kill', '--all', 'one')
  await ok('delete', 'one')
  expect(await cli(at, ['state', 'one'])).toMatchObject({ code: 1, stdout: '' })
  await ok('delete', '--force', 'one')
})

test('run copies streams and gives the code of the process, or 128 and its signal', async () => {
  const echo = await place(['sh', '-c', 'cat; echo oops >&2; exit 7'])
  expect(await cli(echo, ['run', 'echo'], 'hello')).toEqual({ code: 7, stdout: 'hello', stderr: 'oops\n' })
  const killed = await place(['sh', '-c', 'kill -KILL $$; sleep 10'])
  const config = JSON.parse(readFileSync(join(killed.dir, 'config.json'), 'utf8'))
  // Pid 1 of a pid namespace can't kill itself.
  config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'pid')
  writeFileSync(join(killed.dir, 'config.json'), JSON.stringify(config))
  expect(await cli(killed, ['run', 'killed'])).toMatchObject({ code: 137 })
})

test('run --trace writes an event for each step', async () => {
  const at = await place(['true'])
  expect(await cli(at, ['run', '--trace', 'trace.json', 'traced'])).toMatchObject({ code: 0 })
  const { traceEvents } = JSON.parse(readFileSync(join(at.dir, 'trace.json'), 'utf8'))
  const steps = traceEvents.filter(({ ph }: { ph: string }) => ph === 'X')
  expect(new Set(steps.map(({ cat }: { cat: string }) => cat))).toEqual(new Set(['host', 'init', 'exec']))
  for (const { ts, dur } of steps) expect(ts > 0 && dur >= 0).toBe(true)
  expect(steps.some(({ name }: { name: string }) => name.startsWith('pivotRoot'))).toBe(true)
})

test('exec: flags end at the command, ids are parsed strictly, capabilities are not inheritable', async () => {
  const at = await place(['sleep', '1000'])
  expect(await cli(at, ['run', '-d', 'box'])).toMatchObject({ code: 0 })
  try {
    const exec = (...args: string[]) => cli(at, ['exec', ...args])
    expect(await exec('-e', 'A=b', '--cwd', '/bin', 'box', 'sh', '-c', 'echo $A; pwd; exit 3')).toEqual({
      code: 3,
      stdout: 'b\n/bin\n',
      stderr: '',
    })
    expect((await exec('-u', '12:34', '-g', '5', 'box', 'id')).stdout).toContain('uid=12 gid=34 groups=5')
    for (const bad of ['1000:', '4294967296', ' 1', 'foo', '1:2:3', '-1', '']) {
      expect(await exec(`--user=${bad}`, 'box', 'id'), bad).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('invalid'),
      })
    }
    const caps = (await exec('--cap', 'CAP_NET_RAW', 'box', 'grep', 'Cap', '/proc/self/status')).stdout
    expect(caps).toMatch(/CapInh:\s+0+\n/)
    expect(caps).toMatch(/CapBnd:\s+0000000020002420/)
    expect(await exec('box', 'no-such-program')).toMatchObject({ code: 255 })
  } finally {
    await cli(at, ['delete', '-f', 'box'])
  }
})

test('plan shows the steps and makes nothing; features say what is there', async () => {
  const at = await place(['true'])
  const { code, stdout } = await cli(at, ['plan'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/pivotRoot/)
  expect(stdout).toMatch(/\/mounts\/0/)
  expect(JSON.parse((await cli(at, ['plan', '--json'])).stdout)).toBeTypeOf('object')
  expect((await cli(at, ['list', '-q'])).stdout).toBe('')
  const features = JSON.parse((await cli(at, ['features'])).stdout)
  expect(features.linux.namespaces).toContain('pid')
  expect(features.mountOptions).toContain('rro')
})

test('a wrong command line says so, and errors reach the log too', async () => {
  const at = await place(['true'])
  for (const args of [['start'], ['start', 'a', 'b'], ['run', '--bogus', 'x'], ['--root', '/', 'list']]) {
    expect((await cli(at, args)).code, args.join(' ')).toBe(1)
  }
  const log = ['--log', 'log.json', '--log-format', 'json']
  // The bare message for people, and a line that engines read.
  expect(await cli(at, [...log, 'start', 'missing'])).toEqual({
    code: 1,
    stdout: '',
    stderr: 'container does not exist\n',
  })
  const logged = JSON.parse(readFileSync(join(at.dir, 'log.json'), 'utf8'))
  expect(logged).toEqual({ level: 'error', msg: 'container does not exist', time: expect.any(String) })
  // A log that can't be written is an error before anything is done.
  expect(await cli(at, ['--log', 'no/such/dir', 'list'])).toMatchObject({ code: 1, stdout: '' })
  const lines = (await cli(at, ['--debug', 'run', 'debugged'])).stderr.trim().split('\n')
  expect(lines.filter((line) => /level=debug msg="init: pivotRoot/.test(line))).toHaveLength(1)
})
