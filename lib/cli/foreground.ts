import { createReadStream, fstatSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { native } from '../native.ts'
import type { Pty } from '../runtime/console.ts'
import type { ExitStatus } from '../runtime/exit.ts'
import { OutputStream } from '../runtime/streams.ts'
import { isTerminal, terminalOf } from './container.ts'
import type { CliIo } from './io.ts'
import { FdWriter } from './writer.ts'

/** Control-D: VEOF of a terminal in its usual settings. */
const END_OF_INPUT = '\x04'
/** A shell that is about to change its terminal's settings loses it, and who reads again is to see the end again. */
const END_MS = 100

/** What the foreground drives: a container's first process, or an exec'd one. */
export interface Foreground {
  readonly pid: number
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
 *
 * @param begin starts the process
 */
export async function attend(target: Foreground, io: CliIo, begin: () => Promise<void>): Promise<number> {
  const { pty } = target
  const terminal = terminalOf(io)
  const resize = () => {
    const size = terminal === undefined ? null : native().getWinsize(terminal)
    if (size !== null && pty !== null && pty.fd >= 0 && size[0] > 0)
      pty.resize({ rows: size[0], columns: size[1] })
  }
  const stop = io.signals.listen((signal) => {
    if (signal === 'SIGWINCH') resize()
    else target.kill(signal).catch(() => {})
  })
  const detach = pty === null ? async () => {} : joinTerminal(pty, io)
  try {
    resize()
    await begin()
    return exitCode(await target.wait())
  } finally {
    await detach()
    stop()
  }
}

/** Connects both terminals. The returned function waits until the output is written, and takes them apart. */
function joinTerminal(pty: Pty, io: CliIo): () => Promise<void> {
  const [stdin, stdout] = io.stdio
  const input = openInput(stdin)
  // Node's own raw mode still turns line feeds into two characters, which is the container's terminal's to do.
  const settings = native().rawTerminal(stdin)
  input.on('data', (data) => pty.write(data))
  input.on('error', () => {})
  // Our terminal stays open; the end of anything else is the end of what is typed.
  let typing: NodeJS.Timeout | undefined
  if (settings === null) {
    input.on('end', () => {
      typing = setInterval(() => pty.fd >= 0 && pty.write(END_OF_INPUT), END_MS)
    })
  }
  const output = new FdWriter(stdout)
  output.on('error', () => {})
  pty.on('error', () => {})
  // What nobody takes any more must not hold the process up.
  output.on('close', () => pty.resume())
  pty.pipe(output, { end: false })
  return async () => {
    clearInterval(typing)
    pty.unpipe(output)
    output.end()
    if (!output.closed) await new Promise((resolve) => output.once('close', resolve))
    if (settings !== null) native().setTerminal(stdin, settings)
    input.pause()
    input.destroy()
  }
}

/** The standard input as a stream over a copy of the fd, that can be closed at any time. */
function openInput(stdin: number): Readable {
  const fd = native().dup(stdin)
  const status = fstatSync(fd)
  // These can be polled; files can't, and do not block.
  if (isTerminal(fd) || status.isFIFO() || status.isSocket()) return new OutputStream(fd)
  return createReadStream('', { fd })
}
