import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkout, slowness } from '../../harness/checkout.ts'
import { tempDir } from '../../harness/temp.ts'

interface Manifest {
  version: string
  scripts: Record<string, string>
  bin: Record<string, string>
  exports: Record<string, string | Record<string, string>>
  dependencies?: unknown
  gypfile?: boolean
}

const LIBRARY = `
import { Container, hostBundle } from 'oci-ts'
import { mkdtempSync, rmSync } from 'node:fs'
const directory = mkdtempSync('/tmp/oci-ts-pack-')
try {
  const bundle = await hostBundle(directory, { args: ['sh', '-c', 'echo "as pid $$"; exit 7'] })
  const container = await Container.create('pack-' + process.pid, { bundle })
  container.stdout.pipe(process.stdout)
  await container.start()
  const { exitCode } = await container.wait()
  await container.delete()
  console.log('exit code ' + exitCode)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
`

const PRIMITIVES = `
import { launch, runSteps } from 'oci-ts/primitives'
const { fds } = await runSteps([])
const env = ['PATH=/usr/bin:/bin']
const child = await launch([
  { op: 'findProgram', program: 'sh', env },
  { op: 'exec', args: ['sh', '-c', 'exit 5'], env },
])
const { exitCode } = await child.wait()
console.log(fds.length + ' fds, exit code ' + exitCode)
`

const TYPES = `
import { Container, type CpuStats, hostBundle, type Stats } from 'oci-ts'
import { launch, type Plan } from 'oci-ts/primitives'
const plan: Plan = [{ op: 'exec', args: ['true'], env: [] }]
export const child = await launch(plan)
const bundle = await hostBundle('/tmp/bundle', { args: ['sh'] })
export const container: Container = await Container.create('id', { bundle })
export const stats: Stats = await container.stats()
export const cpu: CpuStats | undefined = stats.cpu
// @ts-expect-error: if types are not found, everything is any
export const none = container.noSuchMember
`

function command(name: string, args: string[], cwd: string) {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    cwd,
    env: { ...env, npm_config_offline: 'true', npm_config_update_notifier: 'false' },
    encoding: 'utf8',
    timeout: 60_000 * slowness,
  })
  if (error) throw error
  return { status, stdout, stderr }
}

function script(project: string, name: string, text: string) {
  writeFileSync(join(project, name), text)
  return command(process.execPath, [name], project)
}

describe('the package', () => {
  let files: string[]
  let project: string
  let root: string
  let manifest: Manifest

  beforeAll(() => {
    if (!existsSync(join(checkout, 'dist/lib/index.js'))) throw new Error('npm run build comes first')
    const temp = tempDir('oci-ts-pack-')
    // npm 10 runs `prepare`, which is a whole build, in spite of --ignore-scripts.
    const scripts = ['--ignore-scripts', '--script-shell', '/bin/true']
    const args = ['pack', ...scripts, '--json', '--pack-destination', temp]
    const packed = command('npm', [...args, '--cache', join(temp, 'cache')], checkout)
    expect(packed, packed.stderr).toMatchObject({ status: 0 })
    const [report] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }]
    files = report.files.map(({ path }) => path)

    project = join(temp, 'project')
    root = join(project, 'node_modules/oci-ts')
    mkdirSync(dirname(root), { recursive: true })
    writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }')
    const unpacked = command('tar', ['-xzf', join(temp, report.filename), '-C', temp], temp)
    expect(unpacked, unpacked.stderr).toMatchObject({ status: 0 })
    renameSync(join(temp, 'package'), root)
    manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

    // What `prepack` makes, which takes a whole build, is stood in for by the build that is there.
    const prebuilds = join(root, `prebuilds/linux-${process.arch}`)
    if (!existsSync(prebuilds)) {
      mkdirSync(prebuilds, { recursive: true })
      copyFileSync(join(checkout, 'build/Release/oci_ts.node'), join(prebuilds, 'oci-ts.node'))
    }
  }, 120_000 * slowness)

  it('has what runs, its types, and its documents', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'SECURITY.md',
        'package.json',
        'dist/lib/cli/bin.js',
        'dist/lib/index.d.ts',
        'dist/lib/index.js',
        'dist/lib/primitives.d.ts',
        'dist/lib/primitives.js',
        'dist/types/generated/validate.d.ts',
        'dist/types/index.d.ts',
      ]),
    )
  })

  it('has what the addon is built from', () => {
    const sources = ['csrc', 'csrc/addon', 'csrc/init'].flatMap((dir) =>
      readdirSync(join(checkout, dir))
        .map((name) => `${dir}/${name}`)
        .filter((path) => statSync(join(checkout, path)).isFile()),
    )
    const scripts = ['build-addon', 'build-init', 'embed-init', 'native-sources']
    const others = ['binding.gyp', 'csrc/generated/steps.h', ...scripts.map((name) => `scripts/${name}.mjs`)]
    expect(sources.length).toBeGreaterThan(50)
    expect(files).toEqual(expect.arrayContaining([...sources, ...others]))
  })

  it('has nothing else', () => {
    const known =
      /^(LICENSE|README\.md|SECURITY\.md|package\.json|binding\.gyp|(dist\/(lib|types|examples)|docs|prebuilds|scripts|csrc\/(addon|init|generated))\/.+|csrc\/[\w-]+\.h)$/
    expect(files.filter((path) => !known.test(path))).toEqual([])
    expect(files.filter((path) => /(^|\/)(test|fuzz|bench|\.ci|\.cache|api)\/|\.test\./.test(path))).toEqual(
      [],
    )
  })

  it('runs nothing when it is installed, and needs no other package', () => {
    const atInstall = ['preinstall', 'install', 'postinstall']
    expect(Object.keys(manifest.scripts).filter((name) => atInstall.includes(name))).toEqual([])
    // Without this npm would run node-gyp by itself, for there is a binding.gyp.
    expect(manifest.gypfile).toBe(false)
    expect(manifest).not.toHaveProperty('dependencies')
    expect(manifest.scripts).toMatchObject({ prepack: expect.stringContaining('build:prebuilds') })
  })

  it('names only files that are there', () => {
    const targets = Object.values(manifest.exports).flatMap((to) =>
      typeof to === 'string' ? to : Object.values(to),
    )
    const named = [...targets, ...Object.values(manifest.bin)].map((path) => path.replace(/^\.\//, ''))
    expect(named).toHaveLength(6)
    expect(files).toEqual(expect.arrayContaining(named))
  })

  it('runs a container', () => {
    const result = script(project, 'library.js', LIBRARY)
    expect(result).toEqual({ status: 0, stdout: 'as pid 1\nexit code 7\n', stderr: '' })
  })

  it('launches a process by its primitives', () => {
    const result = script(project, 'primitives.js', PRIMITIVES)
    expect(result).toEqual({ status: 0, stdout: '0 fds, exit code 5\n', stderr: '' })
  })

  it('is the same modules through both entry points', () => {
    const result = script(
      project,
      'same.js',
      `import * as library from 'oci-ts'
      import * as primitives from 'oci-ts/primitives'
      const both = Object.keys(primitives).filter((name) => name in library)
      console.log(both.join(), both.every((name) => library[name] === primitives[name]))
      const error = await primitives.launch([{ op: 'exec', args: [], env: [], more: 1 }]).catch((error) => error)
      console.log(error instanceof library.OciError, library.isOciError(error))`,
    )
    expect(result).toEqual({ status: 0, stdout: 'ContainerProcess,OciError true\ntrue true\n', stderr: '' })
  })

  it('loads little when it is imported: two files, and none of the built-in modules that take long', () => {
    const lib = join(root, 'dist/lib')
    const loaded = new Set(['index.js'])
    const builtin = new Set<string>()
    for (const name of loaded) {
      const text = readFileSync(join(lib, name), 'utf8')
      for (const [, file] of text.matchAll(/^(?:import|export) .* from "\.\/(.+)";$/gm)) loaded.add(file!)
      for (const [, module] of text.matchAll(/^(?:import|export) .* from "node:(.+)";$/gm))
        builtin.add(module!)
    }
    expect([...loaded]).toEqual(['index.js', 'core.js'])
    expect(builtin).toContain('fs')
    for (const module of ['crypto', 'child_process', 'net', 'tty', 'perf_hooks', 'stream/consumers'])
      expect(builtin).not.toContain(module)
  })

  it('can be read where a stack trace points: nothing is minified', () => {
    const scripts = files.filter((path) => path.startsWith('dist/') && path.endsWith('.js'))
    const long = scripts.flatMap((path) => {
      const lines = readFileSync(join(root, path), 'utf8').split('\n')
      const longest = Math.max(...lines.map((line) => line.length))
      return longest < 2000 ? [] : [`${path}: ${longest}`]
    })
    expect(long).toEqual([])
    const result = script(project, 'trace.js', "import { hostBundle } from 'oci-ts'; await hostBundle(1)")
    expect(result.stderr).toMatch(/at (?:async )?hostBundle \(.*\/dist\/lib\/core\.js:\d+:\d+\)/)
  })

  it(
    'has types that a strict TypeScript project can use',
    () => {
      writeFileSync(join(project, 'types.ts'), TYPES)
      for (const name of ['@types', 'undici-types']) {
        symlinkSync(join(checkout, 'node_modules', name), join(project, 'node_modules', name))
      }
      const flags =
        '--ignoreConfig --noEmit --strict --target es2023 --lib es2023,esnext.disposable --module nodenext'
      const tsc = join(checkout, 'node_modules/typescript/bin/tsc')
      const args = [tsc, ...flags.split(' '), '--types', 'node', 'types.ts']
      expect(command(process.execPath, args, project)).toEqual({ status: 0, stdout: '', stderr: '' })
    },
    60_000 * slowness,
  )

  it('has a command line', () => {
    const bin = join(root, 'dist/lib/cli/bin.js')
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    const { status, stdout } = command(process.execPath, [bin, '--version'], project)
    expect(status).toBe(0)
    expect(stdout).toContain(manifest.version)
  })

  it('has nothing to import but its entry points', () => {
    const result = script(project, 'inner.js', "import 'oci-ts/dist/lib/addon.js'")
    expect(result.status).toBe(1)
    expect(result.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it('says how to build the addon where there is none', () => {
    const bare = join(project, 'bare/node_modules/oci-ts')
    mkdirSync(bare, { recursive: true })
    const copied = command('cp', ['-r', join(root, 'package.json'), join(root, 'dist'), bare], project)
    expect(copied.status).toBe(0)
    const text = `
      import { isOciError, run } from 'oci-ts'
      import { readdirSync } from 'node:fs'
      import { runSteps } from 'oci-ts/primitives'
      await runSteps([]).catch((error) => console.log(isOciError(error), error.code, error.hint))
      process.env.TMPDIR = import.meta.dirname
      await run({ args: ['true'] }).catch((error) => console.log(error.code))
      console.log(readdirSync(import.meta.dirname).join())
    `
    const { stdout } = script(join(project, 'bare'), 'none.mjs', text)
    expect(stdout).toMatch(
      /^true ERR_OCI_ADDON Build it from source .*npm run build:native\nERR_OCI_ADDON\nnode_modules,none\.mjs\n$/,
    )
  })
})
