import { OciError } from '../errors.ts'
import { parseArgs } from './args.ts'
import type { Command } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { GLOBAL_FLAGS, type GlobalOptions, globalOptions } from './globals.ts'
import { type CliIo, writeAll } from './io.ts'
import { log } from './log.ts'
import { commandUsage, expectArgs, programUsage, UsageError } from './usage.ts'
import { versionText } from './version.ts'

/**
 * The command line as a function: carries out `argv` (without the program's own name) and returns the exit code. It
 * touches nothing global: working directory, environment, standard streams and signals come from `io`.
 */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  let globals: GlobalOptions | undefined
  let command: Command | undefined
  let name = ''
  const print = (text: string) => writeAll(io.stdio[1], text)
  try {
    const { flags, rest } = parseArgs(argv, GLOBAL_FLAGS, true)
    globals = globalOptions(flags, io)
    if (flags.version) {
      print(versionText())
      return 0
    }
    name = rest[0] ?? 'help'
    if (flags.help || name === 'help') {
      const about = rest[name === 'help' ? 1 : 0]
      print(
        about !== undefined && COMMANDS[about]
          ? commandUsage(about, COMMANDS[about])
          : programUsage(COMMANDS, GLOBAL_FLAGS),
      )
      return 0
    }
    command = COMMANDS[name]
    if (command === undefined) {
      print(programUsage(COMMANDS, GLOBAL_FLAGS))
      throw new OciError('ERR_OCI_OPTION_INVALID', `No help topic for '${name}'`)
    }
    const args = rest.slice(1)
    if (wantsHelp(args, command)) {
      print(commandUsage(name, command))
      return 0
    }
    const parsed = parseArgs(args, command.flags, command.inOrder === true)
    expectArgs(name, parsed.rest, ...command.count)
    return await command.run({
      flags: parsed.flags as never,
      args: parsed.rest,
      globals,
      io,
      print,
      warn: (text) => log('warning', text, globals, io),
    })
  } catch (error) {
    if (error instanceof UsageError)
      print(command === undefined ? '' : `Incorrect Usage.\n\n${commandUsage(name, command)}`)
    log('error', explain(error), globals, io)
    return command?.failure ?? 1
  }
}

function wantsHelp(args: readonly string[], command: Command): boolean {
  for (const arg of args) {
    if (arg === '--') return false
    if (arg === '--help' || arg === '-h' || arg === '-help') return true
    if (command.inOrder && !arg.startsWith('-')) return false
  }
  return false
}

/** An error in one line: engines show only the last one. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof OciError))
    return error instanceof UsageError ? error.message : (error.stack ?? error.message)
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`
}
