import { createReadStream } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { native } from '../native.ts'
import type { Pty } from '../runtime/console.ts'
import type { ExitStatus } from '../runtime/exit.ts'
import { type CliIo, writeAll } from './io.ts'

/** What the foreground drives: a container's first process, or an exec'd one. */
export interface Foreground {
  readonly pty: Pty | null
  wait(): Promise<ExitStatus>
  kill(signal: string): Promise<void>
}

/** The exit code of a shell: the process's own, or 128 + the signal's number. */
export function exitCode({ exitCode: code, signal }: ExitStatus): number {
  if (code !== null) return code
  return 128 + ((constants.signals as Readonly<Record<string, number>>)[signal ?? ''] ?? 0)
}

/**
 * Stands between a process and our caller until the process ends: forwards signals, and where it has a terminal of its
 * own, copies both ways with ours in raw mode and keeps the window size the same.
 */
export async function attend(target: Foreground, io: CliIo, begin: () => Promise<void>): Promise<number> {
  const { pty } = target
  const resize = () => {
    const size = native().getWinsize(io.stdio[0])
    if (size !== null && pty !== null && size[0] > 0) pty.resize({ rows: size[0], columns: size[1] })
  }
  const stop = io.signals.listen((signal) => {
    if (signal === 'SIGWINCH') resize()
    else target.kill(signal).catch(() => {})
  })
  const detach = pty === null ? () => {} : await joinTerminal(pty, io)
  try {
    if (pty !== null) resize()
    await begin()
    return exitCode(await target.wait())
  } finally {
    detach()
    stop()
  }
}

async function joinTerminal(pty: Pty, io: CliIo): Promise<() => void> {
  const { isatty, ReadStream } = await import('node:tty')
  const [stdin, stdout] = io.stdio
  const tty = isatty(stdin)
  const input: Readable = tty ? new ReadStream(stdin) : createReadStream('', { fd: stdin, autoClose: false })
  if (tty) (input as ReadStream).setRawMode(true)
  input.on('data', (data) => pty.write(data))
  input.on('error', () => {})
  pty.on('error', () => {})
  pty.on('data', (data: Buffer) => writeAll(stdout, data))
  return () => {
    if (tty) (input as ReadStream).setRawMode(false)
    input.pause()
    input.destroy()
  }
}
