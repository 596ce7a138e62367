import { readFile } from 'node:fs/promises'
import type { Resources } from '../../types/index.ts'
import { checkUsage, mergeResources, updateCgroup } from '../cgroup/update.ts'
import { validateResources } from '../config/load.ts'
import { OciError } from '../errors.ts'
import { SLOT } from '../plan/slots.ts'
import { runBatch } from './batch.ts'
import { hostFacts } from './facts.ts'
import { takeLock } from './lock.ts'
import type { Warning } from './options.ts'
import { encodeRecord, jsonText } from './record.ts'
import type { Snapshot } from './snapshot.ts'
import { liveStatus } from './status.ts'
import { notFound, readRecord, STATE_FILE } from './store.ts'

/**
 * Changes a container's limits; those that are not given stay. The devices stay in any case.
 *
 * @returns the config with the limits in force
 * @throws `ERR_OCI_CONFIG_INVALID`, `ERR_OCI_STATE` if it is stopped, `ERR_OCI_CGROUP`
 */
export async function updateContainer(
  root: string,
  id: string,
  resources: Resources,
  warn: (warning: Warning) => void,
): Promise<Snapshot> {
  const given = validateResources(resources, { at: '/linux/resources', onWarning: warn })
  const facts = await hostFacts()
  const lock = await takeLock(root, id)
  try {
    // Another process may have changed it since.
    const record = await readRecord(root, id)
    if (record === null) throw notFound(id)
    const { config, ...head } = record
    if (liveStatus(root, head) === 'stopped') {
      throw new OciError('ERR_OCI_STATE', `container ${id} is stopped`, { containerId: id })
    }
    const current = config.linux?.resources ?? {}
    const { hugePageSizes } = facts
    const update = updateCgroup(head.cgroup, facts.cgroup, given, { current, hugePageSizes })
    for (const warning of update.warnings) warn(warning)
    for (const check of update.checks) checkUsage(check, await readFile(check.file, 'utf8').catch(() => ''))
    config.linux = { ...config.linux, resources: mergeResources(current, given) }
    const snapshot = { config, text: jsonText(config) }
    const data = encodeRecord(head, snapshot.text)
    await runBatch(
      [...update.steps, { op: 'write', dir: SLOT.state, path: STATE_FILE, data, mode: 0o600, atomic: true }],
      { slots: [SLOT.state, lock.state], containerId: id },
    )
    return snapshot
  } finally {
    lock.release()
  }
}
