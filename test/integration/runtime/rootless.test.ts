import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../../harness/temp.ts'
import { bundledLibrary } from './node.ts'
import { sharedRootfs } from './support.ts'

/** The ordinary user of the sandbox, with subordinate ids. */
const UID = 64000

async function asUser(script: string) {
  const home = tempDir()
  chownSync(home, UID, UID)
  const runtime = join(home, 'run')
  mkdirSync(runtime, { mode: 0o700 })
  chownSync(runtime, UID, UID)
  const library = `file://${await bundledLibrary()}`
  const path = join(home, 'program.mjs')
  writeFileSync(path, script.replaceAll("'oci-ts'", JSON.stringify(library)))
  chmodSync(path, 0o644)
  const child = spawn(process.execPath, [path], {
    uid: UID,
    gid: UID,
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: runtime },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const exitCode = await new Promise((resolve) => child.on('close', resolve))
  return { stdout, stderr, exitCode, runtime }
}

test('an ordinary user runs the host bundle', async () => {
  const { stdout, stderr, runtime } = await asUser(`
    import { run } from 'oci-ts'
    const result = await run({ args: ['sh', '-c', 'id -u; hostname; ls /sys/class/net; cat /proc/self/uid_map; exit 3'] })
    console.log(result.stdout + result.exitCode)
    console.log((await run({ args: ['sh', '-c', 'sleep 100 & sleep 100'], timeoutMs: 200 })).timedOut)`)
  expect(stderr).toBe('')
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
  expect(lines).toEqual(['0', 'oci-ts', 'lo', `0 ${UID} 1`, '3', 'true'])
  expect(readdirSync(join(runtime, 'oci-ts'))).toEqual([])
})

const life = (change: string) => `
    import { Bundle, Container, spec } from 'oci-ts'
    const config = spec({ rootless: true })
    config.process.terminal = false
    config.root.path = ${JSON.stringify(sharedRootfs())}
    config.process.args = ['sh', '-c', 'read x; echo $x; cat /proc/self/uid_map; cat /proc/self/setgroups']
    ${change}
    const container = await Container.create('mine', { bundle: await Bundle.create('b', config) })
    await container.start()
    const exec = await container.exec({ args: ['sh', '-c', 'id -u; hostname'] })
    for await (const data of exec.stdout) process.stdout.write(data)
    console.log((await exec.wait()).exitCode, (await container.state()).status, (await Container.list()).length)
    container.stdin.end('hello\\n')
    for await (const data of container.stdout) process.stdout.write(data)
    for await (const data of container.stderr) process.stderr.write(data)
    console.log(JSON.stringify(await container.wait()))
    await container.delete()`

test('the whole life with the rootless default config', async () => {
  const { stdout, stderr, exitCode } = await asUser(life(''))
  expect(stderr).toBe('')
  expect(
    stdout
      .replaceAll(/ +/g, ' ')
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual(['0', 'oci-ts', '0 running 1', 'hello', `0 ${UID} 1`, 'deny', '{"exitCode":0,"signal":null}'])
  expect(exitCode).toBe(0)
})

test('a range of ids, by newuidmap and newgidmap', async () => {
  const { stdout, stderr, exitCode } = await asUser(
    life(`
    const ids = [{ containerID: 0, hostID: ${UID}, size: 1 }, { containerID: 1, hostID: 6400000, size: 1000 }]
    config.linux.uidMappings = ids
    config.linux.gidMappings = ids`),
  )
  expect(stderr).toBe('')
  expect(stdout).toMatch(new RegExp(`0 +${UID} +1\\n +1 +6400000 +1000\\nallow`))
  expect(exitCode).toBe(0)
})

test('ids that are not the user’s are refused with a hint', async () => {
  const { stderr } = await asUser(
    life(`
    config.linux.uidMappings = [{ containerID: 0, hostID: 1, size: 10 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 1, size: 10 }]`),
  )
  expect(stderr).toContain('ERR_OCI_PERMISSION')
  expect(stderr).toContain('/etc/subuid')
})

test('limits that can’t be set are an error, not ignored', async () => {
  const { stderr } = await asUser(life('config.linux.resources = { memory: { limit: 100000000 } }'))
  expect(stderr).toMatch(/ERR_OCI_(CGROUP|UNSUPPORTED|PERMISSION)/)
})

test('without a user namespace there is a hint', async () => {
  const { stderr } = await asUser(
    life(`config.linux.namespaces = [{ type: 'mount' }]
    delete config.linux.uidMappings
    delete config.linux.gidMappings
    delete config.hostname`),
  )
  expect(stderr).toContain('ERR_OCI_PERMISSION')
  expect(stderr).toContain('user')
})
