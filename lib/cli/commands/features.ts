import { features as supported } from '../../features.ts'
import { defineCommand } from '../command.ts'

export const features = defineCommand({
  summary: 'show the enabled features',
  args: '',
  count: [0, 0],
  flags: {},
  async run({ print }) {
    print(`${JSON.stringify(supported(), null, 4)}\n`)
    return 0
  },
})
