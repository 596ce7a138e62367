import { OciError } from '../errors.ts'
import { native } from '../native.ts'
import { stepError } from './failure.ts'
import { DuplexStream } from './streams.ts'

/** The size of a terminal, in characters. */
export interface TerminalSize {
  rows: number
  columns: number
}

/**
 * The terminal of a process: a Duplex over the master of a pseudo-terminal. It ends when the last process that has the
 * terminal open is gone. `end()` leaves the terminal open; `destroy()` hangs it up (SIGHUP).
 */
export class Pty extends DuplexStream {
  /** Present size. */
  get size(): TerminalSize {
    const size = native().getWinsize(this.#use())
    return { rows: size?.[0] ?? 0, columns: size?.[1] ?? 0 }
  }

  /**
   * Changes the size; the terminal's foreground processes get SIGWINCH.
   *
   * @throws `ERR_OCI_CLOSED` after the end, `ERR_OCI_OPTION_INVALID` for what is no whole number from 0 to 65535
   */
  resize({ rows, columns }: TerminalSize): void {
    for (const [name, value] of Object.entries({ rows, columns })) {
      if (!Number.isInteger(value) || value < 0 || value > 65535) {
        throw new OciError(
          'ERR_OCI_OPTION_INVALID',
          `${name}: expected a whole number from 0 to 65535, got ${value}`,
        )
      }
    }
    const errno = native().setWinsize(this.#use(), rows, columns)
    if (errno !== 0)
      throw stepError({ step: undefined, errno, syscall: 'ioctl', text: 'resizing the terminal' })
  }

  #use(): number {
    // The number of a closed fd soon belongs to something else.
    if (this.fd < 0) throw new OciError('ERR_OCI_CLOSED', 'the terminal is closed')
    return this.fd
  }
}
