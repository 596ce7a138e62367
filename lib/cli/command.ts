import type { Flags, FlagValues } from './args.ts'
import type { GlobalOptions } from './globals.ts'
import type { CliIo } from './io.ts'

/** What a command gets to work with. */
export interface Invocation<F extends Flags = Flags> {
  flags: FlagValues<F>
  /** The positionals. */
  args: string[]
  globals: GlobalOptions
  io: CliIo
  /** Writes to the standard output. */
  print(text: string): void
  /** A warning, to the log. */
  warn(text: string): void
  /** Something for those who look for a mistake, to the log. */
  debug(text: string): void
}

/** One command of the command line. */
export interface Command<F extends Flags = Flags> {
  /** One line: what it does. */
  summary: string
  /** Names of the positionals, for the help. */
  args: string
  description?: string
  flags: F
  /** Least and most number of positionals. */
  count: readonly [least: number, most: number]
  /** Flags end at the first positional. */
  inOrder?: boolean
  /** Exit code for a failure of the command's own (default 1). */
  failure?: number
  /** Carries it out: the exit code. */
  run(invocation: Invocation<F>): Promise<number>
}

/** Gives a command the static types of its flags. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command {
  return command as unknown as Command
}
