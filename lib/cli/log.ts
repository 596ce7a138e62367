import { closeSync, openSync } from 'node:fs'
import { OciError } from '../errors.ts'
import type { GlobalOptions } from './globals.ts'
import { type CliIo, writeAll } from './io.ts'
import { systemErrorText } from './words.ts'

/** Levels, from the most urgent. */
export type LogLevel = 'error' | 'warning' | 'debug'

const RANK: Record<LogLevel, number> = { error: 0, warning: 1, debug: 2 }

/**
 * The log of one command, as runc's: in `--log` or on the standard error, as text or JSON. With a log file an error is
 * shown on the standard error too, bare: engines read the log, and people the screen.
 */
export class Log {
  readonly #stderr: number
  readonly #format: 'text' | 'json'
  readonly #rank: number
  readonly #said = new Set<string>()
  readonly #file: number

  /** @throws OciError if the log file can't be opened */
  constructor(io: CliIo, globals?: GlobalOptions) {
    this.#stderr = io.stdio[2]
    this.#format = globals?.logFormat ?? 'text'
    this.#rank = RANK[globals?.level ?? 'warning']
    this.#file = globals?.log === undefined ? -1 : openLog(globals.log)
  }

  error(message: string): void {
    if (this.#file >= 0) writeAll(this.#stderr, `${message}\n`)
    this.#write('error', message)
  }

  /** The same warning is given once. */
  warning(message: string): void {
    if (this.#said.has(message)) return
    this.#said.add(message)
    this.#write('warning', message)
  }

  debug(message: string): void {
    this.#write('debug', message)
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file)
  }

  #write(level: LogLevel, message: string): void {
    if (RANK[level] > this.#rank) return
    const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const line =
      this.#format === 'json'
        ? JSON.stringify({ level, msg: message, time })
        : `time="${time}" level=${level} msg=${JSON.stringify(message)}`
    writeAll(this.#file >= 0 ? this.#file : this.#stderr, `${line}\n`)
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o644)
  } catch (cause) {
    throw new OciError('ERR_OCI_OPTION_INVALID', systemErrorText(cause) ?? `${path} can’t be opened`, {
      cause,
    })
  }
}
