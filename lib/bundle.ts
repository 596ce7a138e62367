import { constants } from 'node:fs'
import { mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../types/index.ts'
import { formatJson } from './config/format.ts'
import { OciError } from './errors.ts'

/** Most bytes of a config.json that is read. */
const MAX_CONFIG = 64 * 1024 * 1024

/** Calls that load a bundle: where warnings go. */
export interface BundleOptions {
  /** Gets what is not wrong in the config, but probably not meant. */
  onWarning?: ((warning: { path: string; message: string }) => void) | undefined
}

/** An OCI bundle: a directory with a `config.json`, and usually the root filesystem (bundle.md). */
export class Bundle {
  /** Absolute path of the directory, without symlinks. */
  readonly dir: string
  /** The config: plain data, checked. 64-bit integers that a number can't hold are bigints. */
  readonly config: Config

  private constructor(dir: string, config: Config) {
    this.dir = dir
    this.config = config
  }

  /**
   * Reads and checks `dir/config.json`.
   *
   * @throws OciError `ERR_OCI_BUNDLE_NOT_FOUND`; `ERR_OCI_CONFIG_SYNTAX` or `ERR_OCI_CONFIG_INVALID` with the place of the
   *   mistake in `path`
   */
  static async load(dir: string, options: BundleOptions = {}): Promise<Bundle> {
    const directory = await findDirectory(dir)
    const text = await readConfig(directory)
    const { parseConfig } = await import('./config/load.ts')
    return new Bundle(directory, parseConfig(text, options))
  }

  /**
   * The same bundle with another config, which is checked when a container is created.
   *
   * @internal
   */
  static with(bundle: Bundle, config: Config): Bundle {
    return new Bundle(bundle.dir, config)
  }

  /**
   * Checks a config and writes it to `dir/config.json`, in place of one that may be there. The directory is made if it is
   * missing.
   *
   * @throws OciError `ERR_OCI_CONFIG_INVALID`, `ERR_OCI_BUNDLE_NOT_FOUND` if it can't be written
   */
  static async create(dir: string, config: Config, options: BundleOptions = {}): Promise<Bundle> {
    // The validator is large: it is loaded on first use.
    const { parseConfig, validateConfig } = await import('./config/load.ts')
    const checked = validateConfig(config, options)
    const text = `${formatJson(checked)}\n`
    try {
      await mkdir(dir, { recursive: true })
      const directory = await realpath(dir)
      await replace(join(directory, 'config.json'), text)
      return new Bundle(directory, parseConfig(text))
    } catch (error) {
      if (error instanceof OciError) throw error
      throw new OciError('ERR_OCI_BUNDLE_NOT_FOUND', `the bundle ${dir} can’t be written`, { cause: error })
    }
  }
}

async function findDirectory(dir: string): Promise<string> {
  if (typeof dir !== 'string' || dir === '' || dir.includes('\0')) {
    throw new OciError('ERR_OCI_OPTION_INVALID', `bundle: expected a directory, got ${JSON.stringify(dir)}`)
  }
  try {
    const directory = await realpath(dir)
    if ((await stat(directory)).isDirectory()) return directory
  } catch (error) {
    throw new OciError('ERR_OCI_BUNDLE_NOT_FOUND', `the bundle ${dir} does not exist`, { cause: error })
  }
  throw new OciError('ERR_OCI_BUNDLE_NOT_FOUND', `the bundle ${dir} is no directory`)
}

async function readConfig(directory: string): Promise<string> {
  const path = join(directory, 'config.json')
  try {
    const { size } = await stat(path)
    if (size > MAX_CONFIG) throw new Error(`it is larger than ${MAX_CONFIG} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    // The words of runc, which engines know.
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const message = missing
      ? `JSON specification file config.json not found in ${directory}`
      : `${path} can’t be read`
    throw new OciError('ERR_OCI_BUNDLE_NOT_FOUND', message, {
      cause: error,
      hint: missing ? 'make one with `oci-ts spec`' : undefined,
    })
  }
}

/** Puts a file in the place of another one at once: a reader sees either. */
async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  await using file = await open(temporary, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644)
  try {
    await file.writeFile(text)
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}
