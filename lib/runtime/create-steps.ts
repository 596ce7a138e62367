import { constants } from 'node:fs'
import { removeSteps } from '../cgroup/operate.ts'
import { OciError } from '../errors.ts'
import { SLOT } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import { type PlannedCgroup, undoMake } from './cgroups.ts'
import { encodeRecord, type RecordHead } from './record.ts'
import {
  LOCK_FILE,
  NEXT_STATE_FILE,
  NOTIFY_DIR,
  OWNED_FILE,
  START_SOCKET,
  STATE_FILE,
  stateDir,
} from './store.ts'

const { O_CREAT, O_EXCL, O_RDWR } = constants

/** Index in `stateSteps` of the step that makes the state directory: if that is there, the id is taken. */
export const STATE_DIRECTORY_STEP = 1

const EEXIST = 17

/** What the failure of a host step of create means. */
export function explainStateError(error: OciError, hostStep: number, id: string): OciError {
  if (hostStep !== STATE_DIRECTORY_STEP || error.errno !== EEXIST) return error
  return new OciError('ERR_OCI_ID_IN_USE', `container with id ${id} already exists`, { containerId: id })
}

/** The host steps that make the state directory: its lock, the record of what will be made, the start socket. */
export function stateSteps(root: string, head: RecordHead, configText: string, notify: boolean): Step[] {
  const steps: Step[] = [
    { op: 'mkdir', path: root, mode: 0o700, parents: true, existOk: true },
    { op: 'mkdir', path: stateDir(root, head.id), mode: 0o700, to: SLOT.state },
    {
      op: 'open',
      to: SLOT.lock,
      dir: SLOT.state,
      path: LOCK_FILE,
      flags: O_RDWR | O_CREAT | O_EXCL,
      mode: 0o600,
    },
    { op: 'lock', slot: SLOT.lock, timeoutMs: 0 },
    newRecordStep(STATE_FILE, head, configText),
    { op: 'listen', to: SLOT.start, dir: SLOT.state, path: START_SOCKET },
  ]
  if (notify) steps.push({ op: 'mkdir', dir: SLOT.state, path: NOTIFY_DIR, mode: 0o755 })
  return steps
}

/** The step that writes a record beside the one in force, which `takeNextRecord` puts in its place. */
export function nextRecordStep(head: RecordHead, configText: string): Step {
  return newRecordStep(NEXT_STATE_FILE, head, configText)
}

/** The step that replaces the record. */
export function replaceRecordStep(head: RecordHead, configText: string): Step {
  const data = encodeRecord(head, configText)
  return { op: 'write', dir: SLOT.state, path: STATE_FILE, data, mode: 0o600, atomic: true }
}

function newRecordStep(path: string, head: RecordHead, configText: string): Step {
  const data = encodeRecord(head, configText)
  return { op: 'write', dir: SLOT.state, path, data, flags: O_CREAT | O_EXCL, mode: 0o600 }
}

/** The host steps that make the cgroup, mark what is in it as the container's, and set the limits. */
export function cgroupSteps({ creation }: PlannedCgroup): Step[] {
  const { make = [], limits = [] } = creation ?? {}
  if (make.length === 0) return [...limits]
  // From here on what is in the cgroup is ours, and may be killed.
  const owned = { dir: SLOT.state, path: OWNED_FILE, data: new Uint8Array(), flags: O_CREAT | O_EXCL }
  return [...make, { op: 'write', ...owned, mode: 0o600 }, ...limits]
}

/**
 * The steps that take the cgroup back.
 *
 * @param failed the step of `cgroupSteps` that failed; Infinity: all were done; negative: none was begun
 */
export function undoCgroupSteps({ location, creation }: PlannedCgroup, failed: number): Step[] {
  const make = creation?.make ?? []
  if (failed < 0) return []
  return failed >= make.length ? removeSteps(location, { kill: true }) : undoMake(location, make, failed)
}
