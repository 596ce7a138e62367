import { OciError } from '../../errors.ts'
import { operations } from '../../runtime/lazy.ts'
import { jsonText } from '../../runtime/record.ts'
import { defineCommand } from '../command.ts'
import { rootOption } from '../container.ts'
import { runcStats } from '../runc-stats.ts'
import { FdWriter } from '../writer.ts'

const DEFAULT_MS = 5000
/** The exit code of a program that wrote to a pipe whose reader has gone. */
const BROKEN_PIPE = 128 + 13

export const events = defineCommand({
  summary: 'display container events such as OOM notifications, cpu, memory, and IO usage statistics',
  args: '<container-id>',
  description: 'By default the information is displayed once every 5 seconds, until the container has ended.',
  count: [1, 1],
  flags: {
    interval: {
      type: 'duration',
      value: 'DURATION',
      help: 'set the stats collection interval (5s, 500ms …)',
    },
    stats: { type: 'bool', help: "display the container's stats then exit" },
  },
  async run(invocation) {
    const { flags, args, io } = invocation
    const { loadHandle, readStatsTexts } = await operations()
    const handle = await loadHandle(args[0]!, rootOption(invocation))
    const { id } = handle.head
    const { interval = DEFAULT_MS } = flags
    if (interval <= 0)
      throw new OciError('ERR_OCI_OPTION_INVALID', 'duration interval must be greater than 0')
    if ((await handle.state({})).status === 'stopped')
      throw new OciError('ERR_OCI_STATE', `container with id ${id} is not running`, { containerId: id })
    const read = async () => runcStats(await readStatsTexts(invocation.globals.root, handle.head))
    const out = new FdWriter(io.stdio[1])
    out.on('error', () => {})
    const tell = (event: object) =>
      new Promise<boolean>((resolve) => {
        out.write(`${jsonText(event)}\n`, (error) => resolve(!error))
      })
    if (flags.stats) return (await tell({ type: 'stats', id, data: await read() })) ? 0 : BROKEN_PIPE
    for await (const event of handle.events({ intervalMs: interval }, read)) {
      const told =
        event.type === 'stats'
          ? await tell({ type: 'stats', id, data: event.stats })
          : event.type !== 'oom' || (await tell({ type: 'oom', id }))
      if (!told) return BROKEN_PIPE
    }
    return 0
  },
})
