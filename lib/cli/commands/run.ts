import { writeFile } from 'node:fs/promises'
import { Container } from '../../container.ts'
import { defineCommand } from '../command.ts'
import { CREATE_FLAGS, createOptions, debugTrace } from '../container.ts'
import { attend } from '../foreground.ts'
import { absolute } from '../globals.ts'
import { bindNotify } from '../notify.ts'
import { traceEvents } from '../trace.ts'
import { plainWords } from '../words.ts'

export const run = defineCommand({
  summary: 'create and run a container',
  args: '<container-id>',
  count: [1, 1],
  flags: {
    ...CREATE_FLAGS,
    detach: { type: 'bool', short: 'd', help: 'detach from the container’s process' },
    keep: { type: 'bool', help: 'do not delete the container after it exited' },
    'no-subreaper': { type: 'bool', help: 'do not become the parent of processes whose own has ended' },
    trace: { type: 'string', value: 'FILE', help: 'write the timing of every step, as trace events' },
  },
  async run(invocation) {
    const { flags, args, io, globals } = invocation
    const detach = flags.detach ?? false
    const options = await createOptions(invocation, detach)
    const reaper = detach || flags['no-subreaper'] ? undefined : io.adoptOrphans?.()
    const container = await Container.create(args[0]!, {
      ...options,
      trace: options.trace || flags.trace !== undefined,
    })
    try {
      const notify = bindNotify(globals.root, container, io)
      const begin = async () => {
        await container.start()
        debugTrace(container.trace, invocation)
        if (flags.trace) await writeFile(absolute(flags.trace, io), traceEvents(container.trace))
      }
      try {
        if (detach) {
          await begin()
          await notify?.ready(container.pid)
          return 0
        }
        let stopReaping = () => {}
        notify?.ready(0).catch((error: unknown) => invocation.warn(plainWords(error)))
        const code = await attend(container, io, async () => {
          await begin()
          // Not before: what this process itself has started is reaped by whoever waits for it.
          stopReaping = reaper?.(container.pid) ?? stopReaping
        }).finally(() => stopReaping())
        if (!flags.keep) await container.delete({ force: true })
        return code
      } finally {
        notify?.close()
      }
    } catch (error) {
      await container.delete({ force: true }).catch(() => {})
      throw error
    }
  },
})
