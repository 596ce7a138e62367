import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatJson } from '../../config/format.ts'
import { spec as defaultSpec } from '../../config/spec.ts'
import { OciError } from '../../errors.ts'
import { hostBundle } from '../../host-bundle.ts'
import { operations } from '../../runtime/lazy.ts'
import { defineCommand } from '../command.ts'
import { absolute } from '../globals.ts'

export const spec = defineCommand({
  summary: 'create a new specification file',
  args: '',
  count: [0, 0],
  flags: {
    bundle: { type: 'string', short: 'b', value: 'DIR', help: 'path to the root of the bundle directory' },
    rootless: { type: 'bool', help: 'generate a configuration for a rootless container' },
    host: { type: 'bool', help: 'write a bundle that shows the host’s programs, read-only' },
  },
  async run({ flags, io }) {
    const dir = absolute(flags.bundle || io.cwd, io)
    if (flags.host) {
      await hostBundle(dir)
      return 0
    }
    const { hostFacts } = await operations()
    const { cgroup } = await hostFacts()
    const config = defaultSpec({ rootless: flags.rootless, cgroupNamespace: cgroup.mode === 'v2' })
    try {
      await writeFile(join(dir, 'config.json'), formatJson(config), { flag: 'wx', mode: 0o666 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      throw new OciError('ERR_OCI_OPTION_INVALID', 'File config.json exists. Remove it first', {
        cause: error,
      })
    }
    return 0
  },
})
