import { writeFile } from 'node:fs/promises'
import { Container } from '../../container.ts'
import { OciError } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { CREATE_FLAGS, createOptions } from '../container.ts'
import { attend } from '../foreground.ts'
import { absolute } from '../globals.ts'
import { traceEvents } from '../trace.ts'

export const run = defineCommand({
  summary: 'create and run a container',
  args: '<container-id>',
  count: [1, 1],
  flags: {
    ...CREATE_FLAGS,
    detach: { type: 'bool', short: 'd', help: 'detach from the container’s process' },
    keep: { type: 'bool', help: 'do not delete the container after it exited' },
    'no-subreaper': { type: 'bool', help: 'accepted: no subreaper is used' },
    trace: { type: 'string', value: 'FILE', help: 'write the timing of every step, as trace events' },
  },
  async run(invocation) {
    const { flags, args, io } = invocation
    const options = { ...createOptions(invocation as never, io.stdio), trace: flags.trace !== undefined }
    const container = await Container.create(args[0]!, options)
    try {
      if (flags.detach && container.pty !== null) {
        throw new OciError(
          'ERR_OCI_OPTION_INVALID',
          'cannot allocate tty if detached without setting console socket',
        )
      }
      if (!flags.detach) {
        const target = {
          pty: container.pty,
          wait: () => container.wait(),
          kill: (signal: string) => container.kill(signal),
        }
        const code = await attend(target, io, () => container.start())
        if (flags.trace !== undefined)
          await writeFile(absolute(flags.trace, io), traceEvents(container.trace))
        if (!flags.keep) await container.delete({ force: true })
        return code
      }
      await container.start()
      if (flags.trace !== undefined) await writeFile(absolute(flags.trace, io), traceEvents(container.trace))
      return 0
    } catch (error) {
      await container.delete({ force: true }).catch(() => {})
      throw error
    }
  },
})
