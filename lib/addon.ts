import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OciError } from './errors.ts'
import type { Native } from './native.ts'
import { planAbi } from './plan/abi.ts'

let loaded: Native | undefined

/**
 * Loads the native addon, once: a prebuilt one of the package (`prebuilds/linux-<arch>/`), else one that was built
 * here (`build/Release/`).
 *
 * @throws {OciError} `ERR_OCI_ADDON`, whose message says what is wrong and whose `hint` has the command that builds
 * the addon from source.
 */
export function loadAddon(): Native {
  loaded ??= loadFrom(packageRoot())
  return loaded
}

/** The package's directory: above lib/ in the sources, above dist/lib/ when built. */
function packageRoot(): string {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const parent = join(here, '..')
  return existsSync(join(parent, 'package.json')) ? parent : join(parent, '..')
}

/** Loads the addon of the package in the directory `root`. */
export function loadFrom(root: string): Native {
  const failures: { path: string; reason: string; cause?: unknown }[] = []
  for (const path of candidates(root)) {
    try {
      const module: { exports: Partial<Native> } = { exports: {} }
      process.dlopen(module, path, constants.dlopen.RTLD_NOW)
      const { exports } = module
      if (exports.abi === planAbi()) return exports as Native
      failures.push({
        path,
        reason: 'it was built from other sources than this JavaScript (the step tables differ)',
      })
    } catch (cause) {
      failures.push({
        path,
        reason: explain(path, cause instanceof Error ? cause.message : String(cause)),
        cause,
      })
    }
  }
  const [first] = failures
  const what = first
    ? `${first.path}: ${first.reason}`
    : `there is none for ${process.platform}-${process.arch}${isMusl() ? ' with musl' : ''} in ${root}`
  throw new OciError('ERR_OCI_ADDON', `The native addon could not be loaded: ${what}`, {
    hint: hint(root),
    cause: first?.cause,
  })
}

/** Files that may be the addon, in the order in which they are tried. */
function candidates(root: string): string[] {
  const dir = join(root, 'prebuilds', `linux-${process.arch}`)
  let names: string[] = []
  try {
    names = readdirSync(dir).filter((name) => name.endsWith('.node'))
  } catch {
    // No prebuilds: a checkout.
  }
  // Names made by prebuildify: `oci-ts.glibc.node`, with tags between the dots.
  const tagged = names.some((name) => /\.(glibc|musl)\./.test(name))
  if (tagged) {
    const other = isMusl() ? '.glibc.' : '.musl.'
    names = names.filter((name) => !name.includes(other))
  }
  const built = join(root, 'build/Release/oci_ts.node')
  return [...names.sort().map((name) => join(dir, name)), ...(existsSync(built) ? [built] : [])]
}

/** Whether this process runs on musl: its loader is mapped. */
function isMusl(): boolean {
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-')
  } catch {
    return existsSync('/etc/alpine-release')
  }
}

/** e_machine of the architectures. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

/** The architecture of an ELF file. The loader itself says no more than that there is no such file. */
function elfMachine(path: string): number | undefined {
  try {
    const head = readFileSync(path).subarray(0, 20)
    return head.length === 20 && head.readUInt32BE(0) === 0x7f454c46 ? head.readUInt16LE(18) : undefined
  } catch {
    return undefined
  }
}

/** Turns the dynamic loader's message into a cause. */
function explain(path: string, message: string): string {
  const machine = elfMachine(path)
  if (machine !== undefined && machine !== MACHINES[process.arch]) {
    return `it was built for another architecture than ${process.arch}. ${message}`
  }
  const version = /version [`'](GLIBC(?:XX)?_[\d.]+)' not found/.exec(message)?.[1]
  if (version) return `this system's C library is too old for it (it needs ${version}). ${message}`
  if (
    isMusl() &&
    /ld-linux|libc\.so\.6|libm\.so\.6|symbol not found|Error (?:loading|relocating)/.test(message)
  ) {
    return `it was built for glibc, and this system has musl. ${message}`
  }
  if (/file too short|invalid ELF header/.test(message))
    return `it is no shared library, or cut off. ${message}`
  if (/failed to map segment|Operation not permitted/.test(message)) {
    return `its directory forbids execution (a filesystem mounted with noexec?). ${message}`
  }
  if (/no such file|cannot open shared object file/i.test(message)) return `a file is missing. ${message}`
  return message
}

function hint(root: string): string {
  if (process.platform !== 'linux') return 'oci-ts runs on Linux only.'
  const quoted = /^[\w@./+-]+$/.test(root) ? root : `'${root.replaceAll("'", "'\\''")}'`
  const command = `cd ${quoted} && npm install --ignore-scripts && npm run build:native`
  return `Build it from source (this needs python3, make and g++ 10 or newer): ${command}`
}
