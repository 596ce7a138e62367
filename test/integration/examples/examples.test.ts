import { expect, test } from 'vitest'
import { atTerminal, program, Running } from '../cli/program.ts'

async function runExample(name: string) {
  return new Running(process.execPath, [await program(`examples/${name}.ts`)]).ended
}

test('demo shows a container from inside, and how long each phase took', async () => {
  const { code, stdout, stderr } = await runExample('demo')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/pid +1\b/)
  expect(stdout).toMatch(/ids +uid=0/)
  expect(stdout).toMatch(/ended with 0/)
  for (const phase of ['bundle', 'create', 'start', 'run', 'delete']) {
    expect(stdout).toMatch(new RegExp(`${phase} +\\d+\\.\\d ms`))
  }
})

test('exec: one process writes, another reads', async () => {
  const { code, stdout, stderr } = await runExample('exec')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^written by one process, read by another\nexit code 0; processes now: \d+\n$/)
})

test('sandbox-from-primitives: no capabilities, pid 1, a read-only /usr', async () => {
  const { code, stdout, stderr } = await runExample('sandbox-from-primitives')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^pid 1 on sandbox\n/)
  expect(stdout).toMatch(/CapBnd:\s+0+\n/)
})

test('test-harness: its own tests pass', async () => {
  const { code, stdout } = await runExample('test-harness')
  expect(stdout).toMatch(/(pass|# pass) 3/)
  expect(code).toBe(0)
})

test('terminal: a shell at this terminal', async () => {
  const example = `${process.execPath} ${await program('examples/terminal.ts')}`
  const shell = atTerminal(`stty rows 22 cols 77; ${example}; echo code $?; stty -a | grep -o ' icanon'`)
  let at = await shell.shows(/[#$] $/)
  shell.type('stty size; tty; echo $$\n')
  at = await shell.shows(/22 77\r+\n\/dev\/pts\/0\r+\n1\r+\n[\s\S]*[#$] $/, at)
  shell.type('exit 5\n')
  await shell.shows(/code 5\r\n icanon\r\n/, at)
  expect(await shell.ended).toMatchObject({ code: 0 })
})

test('terminal: the end of piped input ends the shell', async () => {
  const shell = new Running(process.execPath, [await program('examples/terminal.ts')])
  shell.type('echo $((6 * 7)); exit 3\n')
  shell.endInput()
  expect(await shell.ended).toMatchObject({ code: 3, stdout: expect.stringMatching(/42\r\n/) })
})
