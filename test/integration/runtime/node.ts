import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'vite'
import { afterAll } from 'vitest'
import { checkout } from '../../harness/checkout.ts'
import { tempDir } from '../../harness/temp.ts'

const bundled = new Map<string, Promise<string>>()

afterAll(async () => {
  for (const path of bundled.values()) rmSync(await path, { force: true })
})

/** The library as one JavaScript file, for programs of their own process: the sources can't be run by Node 20. */
export function bundledLibrary(): Promise<string> {
  return bundledModule('lib/index.ts')
}

/** A module of the checkout, with all that it imports, as one JavaScript file. */
export function bundledModule(source: string): Promise<string> {
  const path = bundled.get(source) ?? bundle(source, bundled.size)
  bundled.set(source, path)
  return path
}

async function bundle(source: string, serial: number): Promise<string> {
  // The addon is looked for from where the library is: two directories up.
  const outDir = join(checkout, '.cache')
  const name = `lib/oci-ts-${process.pid}-${serial}.mjs`
  await build({
    root: checkout,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(checkout, source),
      outDir,
      target: 'node20',
      minify: false,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: name, codeSplitting: false } },
    },
  })
  return join(outDir, name)
}

/** Runs a program (an ES module, in which 'oci-ts' is the library) in a Node of its own. */
export async function startNode(script: string, env: NodeJS.ProcessEnv = process.env) {
  const library = pathToFileURL(await bundledLibrary()).href
  const path = join(tempDir(), 'program.mjs')
  writeFileSync(path, script.replaceAll("'oci-ts'", JSON.stringify(library)))
  return spawn(process.execPath, [path], { env, stdio: ['pipe', 'pipe', 'pipe'] })
}

/** As `startNode`, to its end. */
export async function runInNode(script: string, env?: NodeJS.ProcessEnv) {
  const child = await startNode(script, env)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { stdout, stderr, exitCode }
}
