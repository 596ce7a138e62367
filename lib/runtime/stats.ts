import { parseStats, type Stats, statsFiles, statsSteps } from '../cgroup/stats/index.ts'
import { OciError } from '../errors.ts'
import { runBatch } from './batch.ts'
import { hostFacts } from './facts.ts'
import type { RecordHead } from './record.ts'
import { liveStatus } from './status.ts'

/**
 * What a container has used so far, by its cgroup, in one crossing.
 *
 * @throws `ERR_OCI_STATE` if it is stopped, `ERR_OCI_UNSUPPORTED` without a cgroup
 */
export async function readStats(root: string, head: RecordHead): Promise<Stats> {
  const { id, cgroup } = head
  if (liveStatus(root, head) === 'stopped') {
    throw new OciError('ERR_OCI_STATE', `container ${id} is stopped`, { containerId: id })
  }
  if (cgroup.mode === 'disabled' || cgroup.mode === 'none') {
    throw new OciError('ERR_OCI_UNSUPPORTED', `container ${id} has no cgroup`, { containerId: id })
  }
  const facts = await hostFacts()
  const files = statsFiles(cgroup, facts.cgroup, facts.hugePageSizes)
  const { reads } = await runBatch(statsSteps(files), { containerId: id })
  const texts = Object.fromEntries(files.map(({ name }, index) => [name, decode(reads[index])]))
  return parseStats(texts, facts.hugePageSizes)
}

function decode(bytes: Uint8Array | undefined): string {
  return bytes === undefined
    ? ''
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
