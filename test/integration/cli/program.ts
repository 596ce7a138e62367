import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'vite'
import { afterAll, afterEach } from 'vitest'
import { checkout, slowness } from '../../harness/checkout.ts'

/** How long something may take to appear, in ms. */
const SHOW_MS = 8000 * slowness

const built = new Map<string, Promise<string>>()

const running = new Set<Running>()

afterEach(async () => {
  for (const one of running) await one.end()
})

afterAll(async () => {
  for (const path of built.values()) rmSync(await path, { force: true })
})

/** A program of the sources (`lib/cli/bin.ts`) as one JavaScript file, for a Node of its own. */
export function program(entry: string): Promise<string> {
  const known = built.get(entry) ?? bundle(entry)
  built.set(entry, known)
  return known
}

async function bundle(entry: string): Promise<string> {
  // The addon and package.json are looked for from where the library is: two directories up.
  const outDir = join(checkout, '.cache')
  const name = `lib/${basename(entry, '.ts')}-${process.pid}.mjs`
  await build({
    root: checkout,
    configFile: false,
    logLevel: 'error',
    resolve: {
      alias: [
        { find: /^oci-ts$/, replacement: join(checkout, 'lib/index.ts') },
        { find: /^oci-ts\/primitives$/, replacement: join(checkout, 'lib/primitives.ts') },
      ],
    },
    build: {
      ssr: join(checkout, entry),
      outDir,
      target: 'node20',
      minify: false,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: name, codeSplitting: false } },
    },
  })
  return join(outDir, name)
}

/** What a program came to. */
export interface Outcome {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A program that runs, with its output so far. */
export class Running {
  readonly ended: Promise<Outcome>
  readonly pid: number
  stdout = ''
  stderr = ''
  readonly #child: ReturnType<typeof spawn>
  #wake: () => void = () => {}

  constructor(command: string, args: readonly string[], options: Parameters<typeof spawn>[2] = {}) {
    this.#child = spawn(command, args, { stdio: 'pipe', ...options })
    this.pid = this.#child.pid!
    const child = this.#child
    running.add(this)
    child.stdout?.on('data', (data) => {
      // Busybox's shell asks where the cursor is, after each prompt.
      this.stdout += String(data).replaceAll('\u001b[6n', '')
      this.#wake()
    })
    child.stderr?.on('data', (data) => {
      this.stderr += data
      this.#wake()
    })
    child.stdin?.on('error', () => {})
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => {
        running.delete(this)
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
        this.#wake()
      })
    })
  }

  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  endInput(): void {
    this.#child.stdin?.end()
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it, where a test did not come to its end. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2000)
    await this.ended
    clearTimeout(timer)
  }

  /** Waits until the standard output has something like this, after `from`. The position after it. */
  async shows(pattern: RegExp, from = 0): Promise<number> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#wake()
    }, SHOW_MS)
    let over = false
    void this.ended.then(() => {
      over = true
    })
    try {
      for (;;) {
        const match = pattern.exec(this.stdout.slice(from))
        if (match !== null) return from + match.index + match[0].length
        if (late || over) {
          const shown = JSON.stringify(this.stdout.slice(from) + this.stderr)
          throw new Error(`${over ? 'ended' : 'waited'} without showing ${pattern}: ${shown}`)
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The command line in a process of its own. */
export async function ociTs(
  args: readonly string[],
  options?: Parameters<typeof spawn>[2],
): Promise<Running> {
  return new Running(process.execPath, [await program('lib/cli/bin.ts'), ...args], options)
}

/** A shell's command line at a terminal of its own. */
export function atTerminal(command: string, options?: Parameters<typeof spawn>[2]): Running {
  return new Running('script', ['-qec', command, '/dev/null'], options)
}
