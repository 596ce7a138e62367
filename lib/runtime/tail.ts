import type { Config, Process } from '../../types/index.ts'
import { OciError } from '../errors.ts'
import { compileTail } from '../plan/process.ts'
import type { Plan } from '../plan/steps.ts'
import { hostFacts } from './facts.ts'
import type { Warning } from './options.ts'
import type { RecordHead } from './record.ts'
import { compileSeccomp, hasSeccomp } from './seccomp.ts'

/** What a tail needs of the container. */
export interface TailRequest {
  head: RecordHead
  config: Config
  warn: (warning: Warning) => void
}

/**
 * The tail that is in the plan of a container's init, to say which of its steps failed; it is not to be run: its filter is
 * a stand-in.
 */
export async function ownTail(request: TailRequest): Promise<Plan> {
  const { config } = request
  if (config.process === undefined) return []
  const filter = hasSeccomp(config) ? { filter: new Uint8Array(8), flags: 0 } : null
  return tailOf(request, config.process, filter, false)
}

/**
 * The tail of a process that start brings.
 *
 * @throws `ERR_OCI_OPTION_INVALID` if it wants a terminal and the config's process does not, or the other way round
 */
export async function replacementTail(request: TailRequest, process: Process): Promise<Plan> {
  const { head, config } = request
  if (Boolean(process.terminal) !== Boolean(config.process?.terminal)) {
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      'the terminal is made by create: process.terminal can’t change',
      {
        path: '/process/terminal',
        containerId: head.id,
      },
    )
  }
  return tailOf(request, process, await compileSeccomp(config), true)
}

async function tailOf(
  { head, config, warn }: TailRequest,
  process: Process,
  seccomp: Awaited<ReturnType<typeof compileSeccomp>>,
  lookup: boolean,
): Promise<Plan> {
  const { id, bundle, start } = head
  const host = await hostFacts()
  const { preserveFds, listenPid, setgroupsDenied } = start
  const input = { process, config, id, bundle, host, seccomp, preserveFds, listenPid, setgroupsDenied }
  return compileTail({ ...input, startHooks: true, lookup }, warn)
}
