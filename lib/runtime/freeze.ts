import { pauseSteps, resumeSteps } from '../cgroup/operate.ts'
import { OciError } from '../errors.ts'
import { runBatch } from './batch.ts'
import type { RecordHead } from './record.ts'
import { liveStatus } from './status.ts'

/**
 * Freezes (or thaws) every process of a container, and waits until the kernel says so.
 *
 * @throws `ERR_OCI_STATE` unless it is created or running (paused), `ERR_OCI_UNSUPPORTED` without a cgroup that can
 */
export async function freezeContainer(root: string, head: RecordHead, frozen: boolean): Promise<void> {
  const { id, cgroup } = head
  const status = liveStatus(root, head)
  const right = frozen ? status === 'running' || status === 'created' : status === 'paused'
  if (!right) {
    const wanted = frozen ? 'only a created or running one can be paused' : 'only a paused one can be resumed'
    throw new OciError('ERR_OCI_STATE', `container ${id} is ${status}: ${wanted}`, { containerId: id })
  }
  const steps = frozen ? pauseSteps(cgroup) : resumeSteps(cgroup)
  if (steps.length === 0) {
    throw new OciError('ERR_OCI_UNSUPPORTED', `container ${id} has no cgroup with a freezer`, {
      containerId: id,
    })
  }
  await runBatch(steps, { containerId: id })
}
