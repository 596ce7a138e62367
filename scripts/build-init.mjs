// Builds the freestanding init program: `node scripts/build-init.mjs [--arch x64|arm64] [--out PATH] [--debug]`.
// The compiler is $CXX, or the one that fits the architecture. Objects are kept beside the program and compiled again
// only if a source is newer.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const ROOT = resolve(import.meta.dirname, '..')
const SOURCES = join(ROOT, 'csrc/init')
const CROSS = { x64: 'x86_64-linux-gnu-g++', arm64: 'aarch64-linux-gnu-g++' }

const WARNINGS = [
  ...['-Wall', '-Wextra', '-Werror', '-Wpedantic', '-Wshadow', '-Wconversion', '-Wsign-conversion'],
  ...['-Wold-style-cast', '-Wcast-align', '-Wnon-virtual-dtor', '-Woverloaded-virtual', '-Wnull-dereference'],
  ...['-Wformat=2', '-Wundef', '-Wvla', '-Wimplicit-fallthrough', '-Wunused', '-Wmissing-declarations'],
]
const LANGUAGE = [
  '-std=c++20',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  '-fvisibility=hidden',
]
// No library is there to support these; and a program of this size needs no unwinding.
const FREESTANDING = [
  ...[
    '-ffreestanding',
    '-nostdinc++',
    '-fno-stack-protector',
    '-fno-asynchronous-unwind-tables',
    '-fno-unwind-tables',
  ],
  ...[
    '-fno-pie',
    '-fcf-protection=none',
    '-ffunction-sections',
    '-fdata-sections',
    '-fno-tree-loop-distribute-patterns',
  ],
]
const LINK = [
  ...['-nostdlib', '-static', '-no-pie', '-Wl,--gc-sections', '-Wl,--build-id=none', '-Wl,-z,noexecstack'],
  ...['-Wl,-z,max-page-size=4096', '-Wl,-z,noseparate-code', '-Wl,-z,norelro', '-Wl,--fatal-warnings'],
]

const { values: options } = parseArgs({
  options: { arch: { type: 'string' }, out: { type: 'string' }, debug: { type: 'boolean', default: false } },
})
const arch = options.arch ?? process.arch
if (!(arch in CROSS)) throw new Error(`no init program for the architecture ${arch}`)
const compiler = process.env.CXX ?? (arch === process.arch ? 'g++' : CROSS[arch])
const out = resolve(options.out ?? join(ROOT, 'build/init', `init-${arch}`))
const objects = join(dirname(out), `init-objects-${arch}`)

// The package has the generated header, but not what makes it.
if (modified(join(ROOT, 'csrc/generated/steps.h')) === 0) {
  const { generate } = await import('./generate/steps.mjs')
  await generate(ROOT)
}
mkdirSync(objects, { recursive: true })
const files = sources()
// arm64 has no such option, and its pages may be larger.
const pick = (flags) => flags.filter((flag) => arch === 'x64' || !/cf-protection/.test(flag))
const link = LINK.map((flag) => (arch === 'arm64' ? flag.replace('page-size=4096', 'page-size=65536') : flag))
const optimize = options.debug ? ['-O1', '-g'] : ['-Os', '-flto=auto']
const compile = pick([...LANGUAGE, ...FREESTANDING, ...WARNINGS, ...optimize])

const command = [compiler, ...compile].join(' ')
const stamp = join(objects, 'command')
const sameCommand = readText(stamp) === command
const newestHeader = Math.max(...headers().map(modified))
const stale = files.filter(({ source, object }) => {
  return !sameCommand || modified(object) < Math.max(modified(source), newestHeader)
})
let next = 0
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let file = stale[next++]; file; file = stale[next++]) {
      // Link-time optimization loses sight of functions that only the compiler itself calls.
      const own = /memory\.cc$/.test(file.source) ? ['-fno-lto'] : []
      await run(compiler, [...compile, ...own, '-c', file.source, '-o', file.object])
    }
  }),
)
writeFileSync(stamp, command)
const strip = options.debug ? [] : ['-s']
await run(compiler, [...compile, ...link, ...strip, ...files.map(({ object }) => object), '-o', out])
console.log(`${out}: ${statSync(out).size} bytes`)

function sources() {
  const names = readdirSync(SOURCES).filter((name) => /\.(cc|S)$/.test(name))
  const paths = [...names.map((name) => join(SOURCES, name)), join(ROOT, 'csrc/addon/clone.S')]
  return paths.map((source) => ({ source, object: join(objects, `${source.replace(/^.*\//, '')}.o`) }))
}

function headers() {
  const directories = ['csrc', 'csrc/init', 'csrc/generated', 'csrc/addon'].map((name) => join(ROOT, name))
  return directories.flatMap((directory) => {
    const names = readdirSync(directory).filter((name) => name.endsWith('.h'))
    return names.map((name) => join(directory, name))
  })
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function readText(path) {
  return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, 'utf8') : ''
}

function run(program, args) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: 'inherit' })
    child.on('error', failed)
    child.on('exit', (code) => {
      if (code === 0) done()
      else failed(new Error(`${program} ${args.join(' ')}: exit code ${code}`))
    })
  })
}
