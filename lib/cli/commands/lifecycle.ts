import { Container } from '../../container.ts'
import { isOciError, OciError } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { loadContainer, rootOption } from '../container.ts'
import { bindNotify } from '../notify.ts'

export const start = defineCommand({
  summary: 'execute the user-defined process in a created container',
  args: '<container-id>',
  count: [1, 1],
  flags: {},
  async run(invocation) {
    const container = await loadContainer(invocation)
    const notify = bindNotify(invocation.globals.root, container, invocation.io)
    try {
      await container.start()
      await notify?.ready(container.pid)
    } finally {
      notify?.close()
    }
    return 0
  },
})

export const kill = defineCommand({
  summary: 'send a signal to the container’s init process (default SIGTERM)',
  args: '<container-id> [signal]',
  count: [1, 2],
  flags: { all: { type: 'bool', short: 'a', hidden: true, help: 'a stopped container is no error' } },
  async run(invocation) {
    const container = await loadContainer(invocation)
    const signal = invocation.args[1] ?? 'SIGTERM'
    try {
      // Signal 0 only asks whether the process is there.
      if (signal === '0') await checkRunning(container)
      else await container.kill(signal)
    } catch (error) {
      if (isOciError(error, 'ERR_OCI_OPTION_INVALID')) throw unknownSignal(signal, error)
      // containerd calls `kill --all` on containers that have ended.
      const stopped = isOciError(error, 'ERR_OCI_STATE')
      if (!stopped || !invocation.flags.all) throw error
    }
    return 0
  },
})

async function checkRunning(container: Container): Promise<void> {
  if ((await container.state()).status !== 'stopped') return
  throw new OciError('ERR_OCI_STATE', 'container not running', { containerId: container.id })
}

function unknownSignal(signal: string, cause: unknown): OciError {
  return new OciError('ERR_OCI_OPTION_INVALID', `unknown signal ${JSON.stringify(signal)}`, { cause })
}

export const remove = defineCommand({
  summary: 'delete any resources held by the container',
  args: '<container-id>',
  count: [1, 1],
  flags: { force: { type: 'bool', short: 'f', help: 'kill it if it is still running (uses SIGKILL)' } },
  async run(invocation) {
    const { force = false } = invocation.flags
    await Container.remove(invocation.args[0]!, { ...rootOption(invocation), force })
    return 0
  },
})

export const pause = defineCommand({
  summary: 'suspend all processes inside the container',
  args: '<container-id>',
  count: [1, 1],
  flags: {},
  async run(invocation) {
    await (await loadContainer(invocation)).pause()
    return 0
  },
})

export const resume = defineCommand({
  summary: 'resume all processes that have been previously paused',
  args: '<container-id>',
  count: [1, 1],
  flags: {},
  async run(invocation) {
    await (await loadContainer(invocation)).resume()
    return 0
  },
})
