import { constants } from 'node:fs'
import { isOciError, OciError } from '../errors.ts'
import { native } from '../native.ts'
import { SLOT } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import { closeAll, tryBatch } from './batch.ts'
import { LOCK_FILE, notFound, stateDir } from './store.ts'

const { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants
/** A slot for what is closed again at once. */
const SPARE = 23
const ENOENT = 2
const EAGAIN = 11
const ETIMEDOUT = 110

/** How long another process may keep the lock before an operation gives up, in ms. */
export const LOCK_TIMEOUT_MS = 30_000

/**
 * Host steps that open a container's state directory (SLOT.state) and take its lock (SLOT.lock). The last one fails if
 * the directory was removed while we waited: whoever holds the lock of a directory that is still there can be sure
 * that nobody removes or replaces it.
 */
export function lockSteps(root: string, id: string, timeoutMs = LOCK_TIMEOUT_MS): Step[] {
  return [
    { op: 'open', to: SLOT.state, path: stateDir(root, id), flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW },
    {
      op: 'open',
      to: SLOT.lock,
      dir: SLOT.state,
      path: LOCK_FILE,
      flags: O_RDWR | O_CREAT | O_NOFOLLOW,
      mode: 0o600,
    },
    { op: 'lock', slot: SLOT.lock, timeoutMs },
    { op: 'open', to: SPARE, dir: SLOT.state, path: LOCK_FILE, flags: O_RDONLY | O_NOFOLLOW },
    { op: 'close', slot: SPARE },
  ]
}

/** Who only asks whether the lock is held holds it for a moment: longer than that, another one who asks waits. In ms. */
const ASK_TIMEOUT_MS = 50

/** A container's lock, held by this process. */
export interface Lock {
  /** The state directory, open. */
  readonly state: number
  release(): void
}

/**
 * Takes the lock of a container.
 *
 * @throws `ERR_OCI_NOT_FOUND`, or `ERR_OCI_STATE` if another process keeps it for too long
 */
export async function takeLock(root: string, id: string, timeoutMs?: number): Promise<Lock> {
  const steps = lockSteps(root, id, timeoutMs)
  const result = await tryBatch(steps, { keep: [SLOT.state, SLOT.lock], containerId: id })
  if (result.error !== null) {
    closeAll(result.fds)
    throw lockError(result.error, id)
  }
  const [state, lock] = result.fds as [number, number]
  return {
    state,
    release: () => {
      native().close(lock)
      native().close(state)
    },
  }
}

/** Whether another process (or another call of this one) holds the lock of a container now. */
export async function isLocked(root: string, id: string): Promise<boolean> {
  try {
    const lock = await takeLock(root, id, ASK_TIMEOUT_MS)
    lock.release()
    return false
  } catch (error) {
    return isOciError(error, 'ERR_OCI_STATE')
  }
}

/** What a failure of the lock's steps means. */
export function lockError(error: OciError, id: string): OciError {
  if (error.step === 'open' && error.errno === ENOENT) return notFound(id)
  if (error.step === 'lock' && (error.errno === EAGAIN || error.errno === ETIMEDOUT)) {
    return new OciError(
      'ERR_OCI_STATE',
      `container ${id} is being created, changed or deleted by another process`,
      {
        containerId: id,
        cause: error,
      },
    )
  }
  return error
}
