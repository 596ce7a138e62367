import type { Config } from '../../types/index.ts'
import { killSteps, resumeSteps } from '../cgroup/operate.ts'
import { OciError } from '../errors.ts'
import { runBatch } from './batch.ts'
import type { ExitWatch } from './exit.ts'
import { stepError } from './failure.ts'
import type { RecordHead } from './record.ts'
import { isFrozen, liveStatus } from './status.ts'

const ESRCH = 3
const SIGKILL = 9

/** What a kill needs to know of the container. */
export interface Killable {
  head: RecordHead
  config: Config
  watch: ExitWatch | null
}

/**
 * Sends a signal to the container's first process, or with `all` to every process of it. SIGKILL always reaches all:
 * without a pid namespace of its own by the cgroup.
 *
 * @throws `ERR_OCI_STATE` if it is stopped (with `all`: only if it has no cgroup to look in)
 */
export async function killContainer(
  root: string,
  target: Killable,
  signal: number,
  all: boolean,
): Promise<void> {
  const { head, config, watch } = target
  const { id, cgroup } = head
  const stopped = watch === null || watch.pidfd < 0 || liveStatus(root, head) === 'stopped'
  if (stopped && !all) throw notRunning(id)
  const ownPids = config.linux?.namespaces?.some(({ type, path }) => type === 'pid' && !path) ?? false
  const steps = all || (signal === SIGKILL && !ownPids) ? killSteps(cgroup, signal) : []
  if (signal === SIGKILL) watch?.expectKill()
  if (!all || steps.length === 0) {
    const errno = watch === null ? ESRCH : watch.signal(signal)
    if (errno === ESRCH && !all) throw notRunning(id)
    if (errno !== 0 && errno !== ESRCH) {
      throw stepError({ step: undefined, errno, syscall: 'pidfd_send_signal', text: '', containerId: id })
    }
  }
  // A frozen v1 cgroup holds its processes even after SIGKILL.
  if (signal === SIGKILL && steps.length === 0 && isFrozen(cgroup)) steps.push(...resumeSteps(cgroup))
  if (steps.length > 0) await runBatch(steps, { containerId: id })
}

function notRunning(id: string): OciError {
  return new OciError('ERR_OCI_STATE', `container ${id} is not running`, { containerId: id })
}
