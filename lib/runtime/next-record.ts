import { renameSync } from 'node:fs'
import { native } from '../native.ts'
import { SLOT } from '../plan/slots.ts'
import { closeAll, tryBatch } from './batch.ts'
import { nextRecordStep } from './create-steps.ts'
import type { RecordHead } from './record.ts'
import { NEXT_STATE_FILE, STATE_FILE } from './store.ts'
import type { Tracer } from './trace.ts'

/** A record that is written, or about to be, but not in its place yet. */
export interface NextRecord {
  /** The process that it names. */
  pid: number
  /** Whether that worked. Never rejects. */
  written: Promise<boolean>
}

/** Writes a record beside the one that is in force, in the state directory `state`. */
export function writeNextRecord(
  state: number,
  head: RecordHead,
  configText: string,
  tracer: Tracer | undefined,
): NextRecord {
  // An fd of its own: the launch may have failed, and its fds be closed, before the batch is done.
  const own = native().dup(state)
  const batch = tryBatch([nextRecordStep(head, configText)], { slots: [SLOT.state, own], tracer })
  const settled = batch.then(
    ({ error }) => error === null,
    () => false,
  )
  const written = settled.finally(() => closeAll([own]))
  return { pid: head.pid, written }
}

/** Puts it in its place: too little to be worth the way to a worker thread. False: that failed. */
export function takeNextRecord(state: number): boolean {
  const directory = `/proc/self/fd/${state}`
  try {
    renameSync(`${directory}/${NEXT_STATE_FILE}`, `${directory}/${STATE_FILE}`)
    return true
  } catch {
    return false
  }
}
