import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createShell, failure } from './support.ts'

/** Where cgroup v2 is mounted. */
function unified(): string {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((text) => / - cgroup2 /.test(text))
  if (line === undefined) throw new Error('the sandbox mounts cgroup v2')
  return line.split(' ')[4]!
}

test('a cgroup below a threaded one takes no container, and that is said; nothing is left of it', async () => {
  const name = `threaded-${process.pid}`
  const top = join(unified(), name)
  mkdirSync(join(top, 'threads'), { recursive: true })
  try {
    writeFileSync(join(top, 'threads/cgroup.type'), 'threaded')
    const creation = createShell('true', {}, (config) => {
      config.linux!.cgroupsPath = `/${name}/threads/container`
    })
    const error = await failure(creation, 'ERR_OCI_CGROUP')
    expect(error).toMatchObject({ errno: 95, path: '/linux/cgroupsPath' })
    expect(error.hint).toMatch(/threaded/)
    expect(existsSync(join(top, 'threads/container'))).toBe(false)
  } finally {
    // Its parents in the hierarchies of v1 were made by the creation.
    for (const mountpoint of mountpoints()) {
      for (const path of [`${mountpoint}/${name}/threads`, `${mountpoint}/${name}`])
        if (existsSync(path)) rmdirSync(path)
    }
  }
})

function mountpoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4]!)
}
