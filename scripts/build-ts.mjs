// Makes dist/ from TypeScript: `npm run build:ts`. tsc checks the types and writes the declarations, a file a source;
// rolldown writes the JavaScript: the library in a few files, for every module that Node loads costs most of a
// millisecond, and each example and the benchmark in one.
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')

/** What both kinds of JavaScript have in common. A warning is a failure. */
const common = {
  cwd: root,
  platform: 'node',
  tsconfig: false,
  transform: { target: 'node20.19' },
  checks: { circularDependency: true },
  onLog(level, log, handler) {
    if (level === 'warn') throw new Error(log.message)
    handler(level, log)
  },
}

/**
 * The files of the library besides its entry points. Each has the modules named and all that they import statically,
 * except what is in a file further up. What is in none of them goes to the entry point that needs it.
 */
const CHUNKS = [
  // What importing the package loads.
  { name: 'core', test: /\/lib\/index\.ts$/ },
  // Processes from plans, without anything of OCI.
  { name: 'launch', test: /\/lib\/primitives\.ts$/ },
  // Loaded with the first config. Most of it is the generated validator.
  { name: 'config', test: /\/lib\/config\/load\.ts$/ },
  // Loaded with the first container.
  { name: 'containers', test: /\/lib\/runtime\/operations\.ts$/ },
]

async function bundleLibrary() {
  const bundle = await rolldown({
    ...common,
    input: { index: 'lib/index.ts', primitives: 'lib/primitives.ts', 'cli/bin': 'lib/cli/bin.ts' },
  })
  const { output } = await bundle.write({
    dir: join(dist, 'lib'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    minifyInternalExports: false,
    codeSplitting: {
      groups: CHUNKS.map((chunk, index) => ({ ...chunk, priority: CHUNKS.length - index })),
    },
  })
  const foreign = output
    .flatMap((chunk) => chunk.moduleIds ?? [])
    // Helpers of the compiler, for syntax that Node 20 does not have, are no package that could be forgotten.
    .filter((id) => id.includes('/node_modules/') && !id.includes('/@oxc-project+runtime@'))
  if (foreign.length > 0)
    throw new Error(`the library has no dependencies, but imports ${foreign.join(', ')}`)
  return output.map(({ fileName }) => join(dist, 'lib', fileName))
}

/** A file each, which imports the package by its name, as a user does. */
async function bundlePrograms() {
  const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts'))
  const inputs = [...examples.map((name) => `examples/${name}`), 'test/bench/main.ts']
  return Promise.all(
    inputs.map(async (input) => {
      const file = join(dist, input.replace(/\.ts$/, '.js'))
      const bundle = await rolldown({ ...common, input, external: /^oci-ts(\/|$)/ })
      await bundle.write({ file, format: 'esm' })
      return file
    }),
  )
}

function declarations() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--listEmittedFiles']
  const { status, stdout, error } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (error) throw error
  const lines = stdout.split('\n').filter((line) => line !== '')
  const emitted = lines.flatMap((line) => /^TSFILE: (.*)$/.exec(line)?.[1] ?? [])
  for (const line of lines) if (!line.startsWith('TSFILE: ')) console.log(line)
  if (status !== 0) process.exit(status ?? 1)
  return emitted
}

/** Removes what earlier builds left. Files are replaced in place until then: a program that runs from dist/ goes on. */
function sweep(made) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isDirectory() && !made.has(path)) rmSync(path)
  }
}

const emitted = declarations()
const scripts = [...(await bundleLibrary()), ...(await bundlePrograms())]
sweep(new Set([...emitted, ...scripts]))
const names = scripts.map((path) => relative(dist, path)).filter((name) => name.startsWith('lib/'))
console.log(`dist/: ${emitted.length} declarations; ${names.join(' ')}`)
