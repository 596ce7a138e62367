import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../types/index.ts'
import { killSteps, removeSteps } from '../cgroup/operate.ts'
import { isOciError, OciError } from '../errors.ts'
import { SLOT } from '../plan/slots.ts'
import { containerState } from '../plan/state.ts'
import type { Step } from '../plan/steps.ts'
import { throwIfAborted } from './abort.ts'
import { runBatch, tryBatch } from './batch.ts'
import type { ExitWatch } from './exit.ts'
import { runHooksLeniently } from './hooks.ts'
import { lockError, lockSteps, takeLock } from './lock.ts'
import type { Warning } from './options.ts'
import type { ContainerRecord, RecordHead } from './record.ts'
import { liveStatus } from './status.ts'
import { notFound, OWNED_FILE, readRecord, stateDir } from './store.ts'
import { watchProcess } from './watches.ts'

/** How long a killed process may take to end, in ms. */
const KILL_TIMEOUT_MS = 10_000
const SIGKILL = 9
const ESRCH = 3

/** How to delete. */
export interface DeleteRequest {
  force: boolean
  signal?: AbortSignal | undefined
  warn: (warning: Warning) => void
}

/** What a deletion needs to know of the container. */
export interface Deletable {
  head: RecordHead
  config: Config
  watch: ExitWatch | null
}

/**
 * Deletes a container by what is on disk: also one whose creator died at any point.
 *
 * @throws `ERR_OCI_NOT_FOUND` (not with `force`), `ERR_OCI_STATE` if it runs (not with `force`)
 */
export async function deleteById(root: string, id: string, request: DeleteRequest): Promise<void> {
  const { force } = request
  try {
    const record = await readRecord(root, id).catch((error: unknown) => {
      // A state that can't be read is good for nothing but removal.
      if (force && isOciError(error, 'ERR_OCI_STATE')) return null
      throw error
    })
    if (record === null || record.pid === 0) await deleteUnfinished(root, id, request)
    else
      await deleteRecorded(
        root,
        { head: record, config: record.config, watch: watchProcess(record) },
        request,
      )
  } catch (error) {
    if (!(force && isOciError(error, 'ERR_OCI_NOT_FOUND'))) throw error
  }
}

/** Deletes a container that was created: its processes if they live, its cgroups, its state, in one batch. */
export async function deleteRecorded(root: string, target: Deletable, request: DeleteRequest): Promise<void> {
  const { head, config, watch } = target
  const { id, cgroup } = head
  throwIfAborted(request.signal, id)
  const status = watch?.status === undefined ? liveStatus(root, head) : 'stopped'
  // Engines delete what they only created.
  if (status !== 'stopped' && status !== 'created' && !request.force) {
    throw new OciError('ERR_OCI_STATE', `container ${id} is not stopped: ${status}`, {
      containerId: id,
      hint: 'kill it, or delete it by force',
    })
  }
  const steps: Step[] = lockSteps(root, id)
  const slots: number[] = []
  if (status !== 'stopped' && watch !== null && watch.pidfd >= 0) {
    watch.expectKill()
    slots.push(SLOT.pidfd, watch.pidfd)
    steps.push(
      { op: 'signal', pidfd: SLOT.pidfd, signal: SIGKILL, ignore: [ESRCH] },
      ...killSteps(cgroup, SIGKILL),
      { op: 'waitPidfd', pidfd: SLOT.pidfd, timeoutMs: KILL_TIMEOUT_MS },
    )
  }
  steps.push(...removeSteps(cgroup, { kill: true }), { op: 'removeTree', path: stateDir(root, id) })
  // The watch would close the pidfd when it sees the end, under the feet of the batch.
  const letGo = watch?.lend()
  const result = await tryBatch(steps, { slots, containerId: id }).finally(letGo)
  if (result.error !== null) throw lockError(result.error, id)
  if (status !== 'stopped' && watch !== null) await watch.ended()
  await poststop(head, config, request)
}

/** Removes what a creator that died has left. */
async function deleteUnfinished(root: string, id: string, request: DeleteRequest): Promise<void> {
  const directory = stateDir(root, id)
  // Whoever is creating it holds the lock until it is created.
  const lock = await takeLock(root, id)
  let record: ContainerRecord | null
  try {
    record = await readRecord(root, id).catch(() => null)
    if (record === null || record.pid === 0) {
      const steps: Step[] = []
      if (record !== null) {
        // Without the mark nothing of ours has been in there, and what is there now is not ours.
        const kill = existsSync(join(directory, OWNED_FILE))
        const removal = removeSteps(record.cgroup, kill ? { kill } : { timeoutMs: 0 })
        steps.push(...(kill ? removal : removal.map((step) => ({ ...step, ignore: [16, 39] }))))
      }
      await runBatch([...steps, { op: 'removeTree', path: directory }], { containerId: id })
    }
  } finally {
    lock.release()
  }
  if (record === null) {
    if (!request.force) throw notFound(id)
  } else if (record.pid === 0) await poststop(record, record.config, request)
  else await deleteById(root, id, request)
}

async function poststop(head: RecordHead, config: Config, { warn }: DeleteRequest): Promise<void> {
  const hooks = config.hooks?.poststop
  if (!hooks?.length) return
  const state = JSON.stringify(containerState({ ...head, config }, 'stopped', 0))
  const context = { containerId: head.id, state, bundle: head.bundle }
  await runHooksLeniently('poststop', hooks, context, (message) => warn({ message, path: '/hooks/poststop' }))
}
