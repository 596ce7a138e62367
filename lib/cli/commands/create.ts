import { Container } from '../../container.ts'
import { defineCommand } from '../command.ts'
import { CREATE_FLAGS, createOptions } from '../container.ts'

export const create = defineCommand({
  summary: 'create a container',
  args: '<container-id>',
  count: [1, 1],
  flags: CREATE_FLAGS,
  async run(invocation) {
    await Container.create(invocation.args[0]!, createOptions(invocation, invocation.io.stdio))
    return 0
  },
})
