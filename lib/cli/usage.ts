import type { Flag, Flags } from './args.ts'
import type { Command } from './command.ts'

/** The command line itself is wrong: the usage is shown, and the exit code is 1 whatever the command. */
export class UsageError extends Error {
  override name = 'UsageError'
  /** What stands above the usage. */
  readonly heading: string

  constructor(message: string, heading = `Incorrect Usage: ${message}`) {
    super(message)
    this.heading = heading
  }
}

/** Checks the number of positionals, in the words that runc uses. */
export function expectArgs(command: string, rest: readonly string[], least: number, most = least): void {
  if (rest.length >= least && rest.length <= most) return
  const count =
    least === most
      ? `exactly ${least} argument(s)`
      : rest.length < least
        ? `a minimum of ${least} argument(s)`
        : `a maximum of ${most} argument(s)`
  throw new UsageError(`oci-ts: "${command}" requires ${count}`, 'Incorrect Usage.')
}

/** The help text of one command. */
export function commandUsage(name: string, command: Command): string {
  return [
    'NAME:',
    `   oci-ts ${name} - ${command.summary}`,
    '',
    'USAGE:',
    `   oci-ts ${name} [command options] ${command.args}`.trimEnd(),
    ...(command.description === undefined ? [] : ['', 'DESCRIPTION:', indent(command.description)]),
    '',
    'OPTIONS:',
    flagLines(command.flags),
    '',
  ].join('\n')
}

/** The help text of the program. */
export function programUsage(commands: Readonly<Record<string, Command>>, flags: Flags): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length))
  return [
    'NAME:',
    '   oci-ts - Open Container Initiative runtime',
    '',
    'USAGE:',
    '   oci-ts [global options] command [command options] [arguments...]',
    '',
    'COMMANDS:',
    ...Object.entries(commands).map(([name, command]) => `   ${name.padEnd(width)}  ${command.summary}`),
    '',
    'GLOBAL OPTIONS:',
    flagLines(flags),
    '',
  ].join('\n')
}

function flagLines(flags: Flags): string {
  const rows = Object.entries({
    ...flags,
    help: { type: 'bool', short: 'h', help: 'show help' } satisfies Flag,
  })
    .filter(([, flag]) => !(flag as Flag).hidden)
    .map(([name, flag]) => [flagName(name, flag as Flag), (flag as Flag).help] as const)
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, help]) => `   ${name.padEnd(width)}  ${help}`).join('\n')
}

function flagName(name: string, flag: Flag): string {
  const value = flag.type === 'bool' ? '' : ` ${flag.value ?? 'value'}`
  return `--${name}${value}${flag.short === undefined ? '' : `, -${flag.short}${value}`}`
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `   ${line}`)
    .join('\n')
}
