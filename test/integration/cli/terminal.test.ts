import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { makeRootfs } from '../../harness/rootfs.ts'
import { tempDir } from '../../harness/temp.ts'
import { changeConfig, cli, place } from './place.ts'
import { atTerminal, program } from './program.ts'

const PROMPT = /\/ # $/
let ociTs: string

beforeAll(async () => {
  ociTs = `${process.execPath} ${await program('lib/cli/bin.ts')}`
})

test('the walk of runc’s documentation: spec, run, a shell at a terminal, ls, exit', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'busybox/rootfs'), { recursive: true })
  makeRootfs({ dir: join(dir, 'busybox/rootfs') })
  const root = join(dir, 'state')
  const shell = atTerminal('sh', { cwd: dir, env: { PATH: process.env.PATH, PS1: 'host% ', TERM: 'dumb' } })
  await shell.shows(/host% $/)
  shell.type(`cd busybox && ${ociTs} spec && cd .. && echo made\n`)
  await shell.shows(/\nmade\r\nhost% $/)
  shell.type(`stty -a > before; ${ociTs} --root ${root} run --bundle busybox demo1\n`)
  let at = await shell.shows(PROMPT)
  shell.type('ls\n')
  at = await shell.shows(/\nbin [\s\S]*\bdev\b[\s\S]*\betc\b[\s\S]*\/ # $/, at)
  shell.type('exit 7\n')
  at = await shell.shows(/host% $/, at)
  shell.type('echo code $?; stty -a | cmp - before && echo restored\n')
  at = await shell.shows(/code 7\r\nrestored\r\nhost% $/, at)
  shell.type(`${ociTs} --root ${root} list -q; echo none left\n`)
  await shell.shows(/ left\r?\nnone left\r\nhost% $/, at)
  shell.type('exit\n')
  expect(await shell.ended).toMatchObject({ code: 0 })
})

test('the window’s size is the container’s, from the beginning and after a change', async () => {
  const at = await place(['sh'], (config) => {
    config.process.terminal = true
  })
  const change = '(read line; stty rows 33 cols 99 < /dev/tty) < ready &'
  const shell = atTerminal(
    `stty rows 21 cols 51; mkfifo ready; ${change} exec ${ociTs} --root ${at.root} run sized`,
    { cwd: at.dir },
  )
  let seen = await shell.shows(PROMPT)
  shell.type('stty size\n')
  seen = await shell.shows(/\n21 51\r\n/, seen)
  const tell = atTerminal('echo > ready', { cwd: at.dir })
  await tell.ended
  shell.type('while ! stty size | grep 33; do sleep 0.1; done\n')
  await shell.shows(/\n33 99\r\n/, seen)
  shell.type('exit\n')
  expect(await shell.ended).toMatchObject({ code: 0 })
})

test('exec -t gives a terminal of its own; Control-C reaches its processes and not us', async () => {
  const at = await place(['sleep', '1000'])
  expect(await cli(at, ['run', '-d', 'box'])).toMatchObject({ code: 0 })
  const shell = atTerminal(`${ociTs} --root ${at.root} exec -t box sh -c 'tty; sleep 1000; exit 3'`, {
    cwd: at.dir,
  })
  const seen = await shell.shows(/\/dev\/pts\/\d/)
  shell.type('\x03')
  expect(await shell.ended).toMatchObject({ code: 130 })
  expect(shell.stdout.slice(seen)).toContain('^C')
  await cli(at, ['delete', '-f', 'box'])
})

test('a terminal that nobody sits at: what is piped in is typed, and its end is Control-D', async () => {
  const at = await place(['sh'], (config) => {
    config.process.terminal = true
  })
  const { code, stdout } = await cli(at, ['run', 'piped'], 'echo $((6 * 7))\nfalse\n')
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/\n42\r\n/) })
})

test('all output of a terminal arrives, however slow its reader is', async () => {
  const at = await place(['sh', '-c', 'seq 1 50000'], (config) => {
    config.process.terminal = true
  })
  const slow = atTerminal(`${ociTs} --root ${at.root} run much < /dev/null | (sleep 2; tail -n 1)`, {
    cwd: at.dir,
  })
  expect((await slow.ended).stdout).toMatch(/^50000\r*\n/)
})

test('a detached terminal needs a console socket, and only a detached one has it', async () => {
  const at = await place(['true'], (config) => {
    config.process.terminal = true
  })
  const without = expect.stringContaining('cannot allocate tty if oci-ts will detach without setting console')
  expect(await cli(at, ['create', 'tty'])).toMatchObject({ code: 1, stderr: without })
  expect(await cli(at, ['run', '-d', 'tty'])).toMatchObject({ code: 1, stderr: without })
  const useless = expect.stringContaining('cannot use console socket if oci-ts will not detach or allocate')
  expect(await cli(at, ['run', '--console-socket', 's', 'tty'])).toMatchObject({ code: 1, stderr: useless })
  changeConfig(at, (config) => {
    config.process.terminal = false
    config.process.args = ['sleep', '1000']
  })
  expect(await cli(at, ['create', '--console-socket', 's', 'tty'])).toMatchObject({
    code: 1,
    stderr: useless,
  })
  expect(await cli(at, ['run', '-d', 'tty'])).toMatchObject({ code: 0 })
  expect(await cli(at, ['exec', '-d', '-t', 'tty', 'true'])).toMatchObject({ code: 255, stderr: without })
  expect(await cli(at, ['list', '-q'])).toMatchObject({ stdout: 'tty\n' })
  await cli(at, ['delete', '-f', 'tty'])
})
