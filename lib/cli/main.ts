import { parseArgs } from './args.ts'
import type { Command, Invocation } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { GLOBAL_FLAGS, type GlobalOptions, globalOptions } from './globals.ts'
import { type CliIo, writeAll } from './io.ts'
import { Log } from './log.ts'
import { commandUsage, expectArgs, programUsage, UsageError } from './usage.ts'
import { versionText } from './version.ts'
import { explain, plainWords } from './words.ts'

/** The exit code for a command that does not exist. */
const NO_COMMAND = 3

/**
 * The command line as a function: carries out `argv` (without the program's own name) and returns the exit code. It
 * touches nothing global: working directory, environment, standard streams, signals and what else a command takes from
 * its process come from `io`.
 */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const print = (text: string) => writeAll(io.stdio[1], text)
  let globals: GlobalOptions
  let rest: string[]
  let log: Log
  try {
    const parsed = parseArgs(argv, GLOBAL_FLAGS, true)
    globals = globalOptions(parsed.flags, io)
    log = new Log(io, globals)
    rest = parsed.rest
    if (parsed.flags.version) return shown(print, versionText())
    if (parsed.flags.help) rest = []
  } catch (error) {
    if (error instanceof UsageError) {
      print(`Incorrect Usage. ${error.message}\n\n${programUsage(COMMANDS, GLOBAL_FLAGS)}`)
    }
    new Log(io).error(plainWords(error))
    return 1
  }
  try {
    const [name = 'help', ...args] = rest
    if (name === 'help' || name === 'h' || name === '') return help(args[0], print, log)
    const command = COMMANDS[name]
    if (command === undefined) return noCommand(name, log)
    return await runCommand(name, command, args, { globals, io, print, log })
  } finally {
    log.close()
  }
}

type World = Pick<Invocation, 'globals' | 'io' | 'print'> & { log: Log }

async function runCommand(name: string, command: Command, args: string[], world: World): Promise<number> {
  const { globals, io, print, log } = world
  let invocation: Invocation | undefined
  try {
    if (wantsHelp(args, command)) return shown(print, commandUsage(name, command))
    const { flags, rest } = parseArgs(args, command.flags, command.inOrder === true)
    expectArgs(name, rest, ...command.count)
    const warn = (text: string) => log.warning(text)
    const debug = (text: string) => log.debug(text)
    invocation = { flags: flags as Invocation['flags'], args: rest, globals, io, print, warn, debug }
    return await command.run(invocation)
  } catch (error) {
    if (error instanceof UsageError) {
      print(`${error.heading}\n\n${commandUsage(name, command)}`)
      log.error(error.message)
      return 1
    }
    log.error(await explain(error, name, invocation))
    return command.failure ?? 1
  }
}

function help(about: string | undefined, print: (text: string) => void, log: Log): number {
  if (about === undefined) return shown(print, programUsage(COMMANDS, GLOBAL_FLAGS))
  const command = COMMANDS[about]
  return command === undefined ? noCommand(about, log) : shown(print, commandUsage(about, command))
}

function noCommand(name: string, log: Log): number {
  log.error(`No help topic for '${name}'`)
  return NO_COMMAND
}

function shown(print: (text: string) => void, text: string): number {
  print(text)
  return 0
}

function wantsHelp(args: readonly string[], command: Command): boolean {
  for (const arg of args) {
    if (arg === '--') return false
    if (arg === '--help' || arg === '-h' || arg === '-help') return true
    if (command.inOrder && !arg.startsWith('-')) return false
  }
  return false
}
