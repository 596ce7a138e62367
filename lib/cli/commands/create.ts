import { Container } from '../../container.ts'
import { defineCommand } from '../command.ts'
import { CREATE_FLAGS, createOptions, debugTrace } from '../container.ts'

export const create = defineCommand({
  summary: 'create a container',
  args: '<container-id>',
  count: [1, 1],
  flags: CREATE_FLAGS,
  async run(invocation) {
    const container = await Container.create(invocation.args[0]!, await createOptions(invocation, true))
    debugTrace(container.trace, invocation)
    return 0
  },
})
