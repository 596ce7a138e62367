import type { Plan, Step } from '../plan/steps.ts'
import { tryBatch } from './batch.ts'

/** The step that writes a pid file, at once. */
export function pidFileStep(path: string, pid: number): Step {
  return { op: 'write', path, data: Buffer.from(String(pid)), mode: 0o644, atomic: true }
}

/** Removes as much as can be removed, and the state directory only if nothing else is left. */
export async function undoAll(steps: Plan, directory: string): Promise<void> {
  let clean = true
  for (const step of steps) {
    const { error } = await tryBatch([step])
    if (error !== null) clean = false
  }
  if (clean) await tryBatch([{ op: 'removeTree', path: directory }])
}
