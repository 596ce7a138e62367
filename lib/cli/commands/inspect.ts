import { Container } from '../../container.ts'
import { defineCommand } from '../command.ts'
import { loadContainer, rootOption } from '../container.ts'
import { UsageError } from '../usage.ts'

const FORMAT = { type: 'string', short: 'f', value: 'FORMAT', help: 'table (default) or json' } as const

function format(text: string | undefined): 'table' | 'json' {
  if (text === undefined || text === 'table') return 'table'
  if (text === 'json') return 'json'
  throw new UsageError('invalid format option')
}

export const state = defineCommand({
  summary: 'output the state of a container',
  args: '<container-id>',
  count: [1, 1],
  flags: {},
  async run(invocation) {
    const container = await loadContainer(invocation)
    invocation.print(JSON.stringify(await container.state(), null, 2))
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
    const form = format(flags.format)
    const states = await Container.list(rootOption(invocation))
    if (flags.quiet) print(states.map(({ id }) => `${id}\n`).join(''))
    else if (form === 'json') print(states.length === 0 ? 'null' : JSON.stringify(states))
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

/** Columns of at least 12, with one blank and two more between: as Go's tabwriter makes them for runc. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => {
    const longest = Math.max(...rows.map((row) => (row[column] ?? '').length))
    return Math.max(12, longest + 1)
  })
  return rows
    .map(
      (row) =>
        `${row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]!))).join('')}\n`,
    )
    .join('')
}

export const ps = defineCommand({
  summary: 'display the processes running inside a container',
  args: '<container-id> [ps options]',
  count: [1, Number.MAX_SAFE_INTEGER],
  inOrder: true,
  flags: { format: FORMAT },
  async run(invocation) {
    const { flags, args, io, print } = invocation
    const form = format(flags.format)
    const pids = await (await loadContainer(invocation as never)).processes()
    if (form === 'json') {
      print(`${JSON.stringify(pids)}\n`)
      return 0
    }
    const options = args.length > 1 ? args.slice(1) : ['-ef']
    const { execFile } = await import('node:child_process')
    const { promisify } = await import('node:util')
    const { stdout } = await promisify(execFile)('ps', options, { env: { ...io.env } as NodeJS.ProcessEnv })
    const lines = stdout.trimEnd().split('\n')
    const column = (lines[0] ?? '').trim().split(/\s+/).indexOf('PID')
    if (column < 0) throw new UsageError("couldn't find PID field in ps output")
    const own = new Set(pids.map(String))
    const wanted = lines.filter(
      (line, index) => index === 0 || own.has(line.trim().split(/\s+/)[column] ?? ''),
    )
    print(`${wanted.join('\n')}\n`)
    return 0
  },
})
