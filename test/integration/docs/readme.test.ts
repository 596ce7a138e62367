import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Bundle, Container, spec } from 'oci-ts'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkout, slowness } from '../../harness/checkout.ts'
import { codeBlocks } from '../../harness/markdown.ts'
import { makeRootfs } from '../../harness/rootfs.ts'
import { tempDir } from '../../harness/temp.ts'

const readme = readFileSync(join(checkout, 'README.md'), 'utf8')
const programs = codeBlocks(readme, 'ts')
const tours = codeBlocks(readme, 'sh')

const FLAGS =
  '--ignoreConfig --strict --target es2023 --lib es2023,esnext.disposable --module nodenext --types node'

let project: string

/** What a block's own comments promise that it prints. */
function promises(code: string): string[] {
  return [...code.matchAll(/(?:console\.log\(.*\)|\.pipe\(process\.stdout\)) \/\/ (.+)$/gm)].map(
    ([, text]) => text!,
  )
}

/** What the compiler may need on a slow machine. */
const COMPILE_MS = 120_000 * slowness

/** What of the README's containers is still there; other tests have theirs in the same place. */
async function left(): Promise<string[]> {
  const ids = (await Container.list()).map(({ id }) => id)
  return ids.filter((id) => readme.includes(` ${id}\n`) || readme.includes(`'${id}'`))
}

function run(command: string, args: string[], input = '', timeout = 30_000 * slowness) {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    cwd: project,
    env: { ...env, PATH: `${project}/bin:${env.PATH}` },
    input,
    encoding: 'utf8',
    timeout,
  })
  return { status, signal, stdout, stderr }
}

beforeAll(async () => {
  if (!existsSync(join(checkout, 'dist/lib/index.js'))) throw new Error('npm run build comes first')
  // As a project that has the package installed, and the command on the PATH.
  project = tempDir('oci-ts-readme-')
  mkdirSync(join(project, 'node_modules'))
  mkdirSync(join(project, 'bin'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }')
  symlinkSync(checkout, join(project, 'node_modules/oci-ts'))
  for (const name of ['@types', 'undici-types'])
    symlinkSync(join(checkout, 'node_modules', name), join(project, 'node_modules', name))
  const bin = join(checkout, 'dist/lib/cli/bin.js')
  writeFileSync(join(project, 'bin/oci-ts'), `#!/bin/sh\nexec ${process.execPath} ${bin} "$@"\n`, {
    mode: 0o755,
  })
  for (const [index, code] of programs.entries()) writeFileSync(join(project, `block${index}.ts`), code)
})

describe('the TypeScript of the README', () => {
  beforeAll(async () => {
    const config = spec()
    config.process = { args: ['sh', '-c', 'echo from busybox; exit 4'], cwd: '/' }
    const rootfs = join(project, 'busybox/rootfs')
    makeRootfs({ dir: rootfs })
    config.root = { path: rootfs }
    await Bundle.create(join(project, 'busybox'), config)
  })

  test(
    'compiles',
    () => {
      expect(programs.length).toBeGreaterThan(5)
      const tsc = join(checkout, 'node_modules/typescript/bin/tsc')
      const files = programs.map((_, index) => `block${index}.ts`)
      expect(run(process.execPath, [tsc, ...FLAGS.split(' '), ...files], '', COMPILE_MS)).toMatchObject({
        status: 0,
        stdout: '',
      })
    },
    COMPILE_MS,
  )

  test.for(programs.map((code, index) => [index, code] as const))('block %i runs', async ([index, code]) => {
    const { status, stdout, stderr } = run(process.execPath, [`block${index}.js`])
    expect(stderr).toBe('')
    expect(status).toBe(0)
    // What it prints is what it says that it prints.
    for (const text of promises(code)) expect(stdout.replace(/\s+/g, ' ')).toContain(text)
    expect(await left()).toEqual([])
  })

  test('says what is printed', () => {
    expect(run(process.execPath, ['block0.js']).stdout).toBe('from busybox\nexit code 4\n')
    expect(programs.flatMap(promises).length).toBeGreaterThan(6)
  })
})

describe('the command line of the README', () => {
  const tour = (index: number, code: string) => {
    writeFileSync(join(project, `tour${index}.sh`), code)
    return `bash -eu tour${index}.sh`
  }

  test('a host bundle', () => {
    const { status, stdout, stderr } = run('sh', ['-c', tour(0, tours[0]!)])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe('uid=0(root) gid=0(root) groups=0(root)\noci-ts\n')
  })

  test("a shell at a terminal, as in runc's documentation", () => {
    const other = join(project, 'busybox')
    run('rm', ['-rf', '--one-file-system', other])
    const command = tour(1, tours[1]!)
    const { status, stdout } = run(
      'script',
      ['-qefc', command, '/dev/null'],
      'echo "as pid $$"; ls /; exit 7\n',
    )
    expect(stdout).toContain('as pid 1')
    expect(stdout).toMatch(/bin\s+dev\s+proc\s+sys/)
    expect(status).toBe(7)
  })

  test('a life step by step', () => {
    const { status, stdout, stderr } = run('sh', ['-c', tour(2, tours[2]!)])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('"status": "created"')
    expect(stdout).toMatch(/^demo3 .* running /m)
    expect(stdout).toContain('in oci-ts\n')
    expect(stdout).toContain('sleep infinity')
    expect(stdout).toContain('pivotRoot')
  })

  test('has a test for every tour', async () => {
    expect(tours).toHaveLength(3)
    expect(await left()).toEqual([])
  })
})
