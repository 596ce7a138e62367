import { readdir } from 'node:fs/promises'
import { Container } from '../../container.ts'
import { OciError } from '../../errors.ts'
import { operations } from '../../runtime/lazy.ts'
import type { ContainerState } from '../../runtime/status.ts'
import { defineCommand, type Invocation } from '../command.ts'
import { loadContainer, rootOption } from '../container.ts'

/** Most bytes of ps output: some 100 bytes for each of the 4 million processes there can be. */
const MAX_PS = 512 * 1024 * 1024

const FORMAT = { type: 'string', short: 'f', value: 'FORMAT', help: 'table (default) or json' } as const

function format(text: string | undefined): 'table' | 'json' {
  if (text === undefined || text === 'table') return 'table'
  if (text === 'json') return 'json'
  throw new OciError('ERR_OCI_OPTION_INVALID', 'invalid format option')
}

/** The members in runc's order. */
function inOrder({ ociVersion, id, pid, ...rest }: ContainerState): ContainerState {
  return { ociVersion, id, pid, ...rest }
}

export const state = defineCommand({
  summary: 'output the state of a container',
  args: '<container-id>',
  count: [1, 1],
  flags: {},
  async run(invocation) {
    const container = await loadContainer(invocation)
    invocation.print(JSON.stringify(inOrder(await container.state()), null, 2))
    return 0
  },
})

export const list = defineCommand({
  summary: 'list containers started by oci-ts with the given root',
  args: '',
  count: [0, 0],
  flags: { format: FORMAT, quiet: { type: 'bool', short: 'q', help: 'display only container IDs' } },
  async run(invocation) {
    const { flags, print } = invocation
    // Nobody may have made the default root yet; a root that was named must be there.
    if (invocation.globals.rootGiven) await readdir(invocation.globals.root)
    const states = await Container.list(rootOption(invocation))
    const form = format(flags.format)
    if (flags.quiet) print(states.map(({ id }) => `${id}\n`).join(''))
    else if (form === 'json') print(`${states.length === 0 ? 'null' : JSON.stringify(states.map(inOrder))}\n`)
    else {
      const rows = states.map((one) => [
        one.id,
        String(one.pid),
        one.status,
        one.bundle,
        one.created,
        one.owner,
      ])
      print(table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows]))
    }
    return 0
  },
})

/** Columns of at least 12, and of 3 more than their longest cell: as Go's tabwriter makes them for runc. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => {
    const longest = Math.max(...rows.map((row) => (row[column] ?? '').length))
    return Math.max(12, longest + 3)
  })
  return rows
    .map(
      (row) =>
        `${row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]!))).join('')}\n`,
    )
    .join('')
}

/** What the host's ps says about all processes: by lines, the first of which names the columns. */
async function listAll(options: readonly string[], { env, cwd }: Invocation['io']): Promise<string[]> {
  const { runProgram } = await operations()
  const { exitCode, signal, output } = await runProgram({
    program: 'ps',
    args: ['ps', ...options],
    env: Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
    cwd,
    maxOutput: MAX_PS,
  })
  if (exitCode === 0) return output.trimEnd().split('\n')
  const status = exitCode === null ? `signal ${signal}` : `exit status ${exitCode}`
  throw new OciError('ERR_OCI_OPTION_INVALID', `${status}: ${output}`)
}

export const ps = defineCommand({
  summary: 'display the processes running inside a container',
  args: '<container-id> [ps options]',
  count: [1, Number.MAX_SAFE_INTEGER],
  inOrder: true,
  flags: { format: FORMAT },
  async run(invocation) {
    const { flags, args, io, print } = invocation
    const pids = await (await loadContainer(invocation)).processes()
    const form = format(flags.format)
    if (form === 'json') {
      print(`${JSON.stringify(pids)}\n`)
      return 0
    }
    const lines = await listAll(args.length > 1 ? args.slice(1) : ['-ef'], io)
    const column = (lines[0] ?? '').trim().split(/\s+/).indexOf('PID')
    if (column < 0) throw new OciError('ERR_OCI_OPTION_INVALID', "couldn't find PID field in ps output")
    const own = new Set(pids.map(String))
    const wanted = lines.filter(
      (line, index) => index === 0 || own.has(line.trim().split(/\s+/)[column] ?? ''),
    )
    print(`${wanted.join('\n')}\n`)
    return 0
  },
})
