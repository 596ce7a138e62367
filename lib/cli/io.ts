import { writeSync } from 'node:fs'

/** Where a command's signals come from. */
export interface SignalSource {
  /** Calls `handler` with the name of each signal that arrives, until the returned function is called. */
  listen(handler: (signal: NodeJS.Signals) => void): () => void
}

/**
 * The world of one command: everything that it takes from its process, so that a resident process can serve many at
 * once. Commands use nothing global.
 */
export interface CliIo {
  /** Absolute working directory: relative paths start here. */
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  /** Open fds: standard input, output and error. */
  stdio: readonly [stdin: number, stdout: number, stderr: number]
  signals: SignalSource
  /** Pid of the process that the command stands for: sockets are for it only if LISTEN_PID says so. */
  pid?: number | undefined
  /** The fd that the command's caller passed as this number (3 or more), or undefined. Without it none was passed. */
  passedFd?: ((number: number) => number | undefined) | undefined
  /**
   * Makes the command's process the parent of orphans, where it has one of its own. The returned function has those that
   * end reaped, all but the process `except`; what it returns stops that.
   */
  adoptOrphans?: (() => (except: number) => () => void) | undefined
}

/** Writes all of a text to an fd, whether it blocks or not. */
export function writeAll(fd: number, text: string | Uint8Array): void {
  let rest: Uint8Array = typeof text === 'string' ? Buffer.from(text) : text
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EAGAIN') return
      // A pipe that somebody made non-blocking, and whose reader is slow.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
    }
  }
}
