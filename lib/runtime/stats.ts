import { NETWORK, parseStats, type Stats, statsFiles, statsSteps, type Texts } from '../cgroup/stats/index.ts'
import type { CgroupLocation } from '../cgroup/types.ts'
import { OciError } from '../errors.ts'
import { runBatch } from './batch.ts'
import { hostFacts } from './facts.ts'
import { liveStat, readNamespaces } from './proc.ts'
import type { RecordHead } from './record.ts'
import { liveStatus } from './status.ts'

/** The texts that stats are made of. */
export interface StatsTexts {
  texts: Texts
  hugePageSizes: readonly string[]
  mode: CgroupLocation['mode']
}

/**
 * What a container has used so far, by its cgroup and its network namespace, in one crossing.
 *
 * @throws as `readStatsTexts`
 */
export async function readStats(root: string, head: RecordHead): Promise<Stats> {
  const { texts, hugePageSizes } = await readStatsTexts(root, head)
  return parseStats(texts, hugePageSizes)
}

/**
 * Reads the files that stats come from.
 *
 * @throws `ERR_OCI_STATE` if it is stopped, `ERR_OCI_UNSUPPORTED` without a cgroup
 */
export async function readStatsTexts(root: string, head: RecordHead): Promise<StatsTexts> {
  const { id, cgroup, pid, startTime } = head
  if (liveStatus(root, head) === 'stopped') throw stopped(id)
  if (cgroup.mode === 'disabled' || cgroup.mode === 'none') {
    throw new OciError('ERR_OCI_UNSUPPORTED', `container ${id} has no cgroup`, { containerId: id })
  }
  const facts = await hostFacts()
  const files = statsFiles(cgroup, facts.cgroup, facts.hugePageSizes)
  if (readNamespaces(pid).net !== facts.namespaces.net)
    files.push({ name: NETWORK, path: `/proc/${pid}/net/dev` })
  const { reads } = await runBatch(statsSteps(files), { containerId: id })
  // If it still lives, then the pid was its own all the time.
  if (liveStat(pid, startTime) === null) throw stopped(id)
  const texts = Object.fromEntries(files.map(({ name }, index) => [name, decode(reads[index])]))
  return { texts, hugePageSizes: facts.hugePageSizes, mode: cgroup.mode }
}

function stopped(id: string): OciError {
  return new OciError('ERR_OCI_STATE', `container ${id} is stopped`, { containerId: id })
}

function decode(bytes: Uint8Array | undefined): string {
  return bytes === undefined
    ? ''
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
