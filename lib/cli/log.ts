import { closeSync, openSync, writeSync } from 'node:fs'
import type { GlobalOptions } from './globals.ts'
import { type CliIo, writeAll } from './io.ts'

/** Levels, from the most urgent. */
export type LogLevel = 'error' | 'warning' | 'debug'

const RANK: Record<LogLevel, number> = { error: 0, warning: 1, debug: 2 }

/**
 * Logs as runc does: to `--log` or the standard error, as text or JSON. Errors go to both: engines read the log, and
 * people the screen.
 */
export function log(level: LogLevel, message: string, globals: GlobalOptions | undefined, io: CliIo): void {
  const format = globals?.logFormat ?? 'text'
  const wanted = RANK[level] <= RANK[globals?.level ?? 'warning']
  if (!wanted) return
  if (globals?.log !== undefined) {
    append(globals.log, line(level, message, format))
    if (level !== 'error') return
    writeAll(io.stdio[2], line(level, message, 'text'))
    return
  }
  writeAll(io.stdio[2], line(level, message, format))
}

function line(level: LogLevel, message: string, format: 'text' | 'json'): string {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time })}\n`
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`
}

function append(path: string, text: string): void {
  try {
    const fd = openSync(path, 'a', 0o644)
    try {
      writeSync(fd, text)
    } finally {
      closeSync(fd)
    }
  } catch {
    // A log that can't be written must not change what the command does.
  }
}
