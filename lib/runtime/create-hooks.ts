import type { Config } from '../../types/index.ts'
import { containerState } from '../plan/state.ts'
import { runHooks, runHooksLeniently } from './hooks.ts'
import type { Warning } from './options.ts'
import type { RecordHead } from './record.ts'

function context(head: RecordHead, config: Config, status: 'creating' | 'stopped', pid: number) {
  const state = JSON.stringify(containerState({ ...head, config }, status, pid))
  return { containerId: head.id, state, bundle: head.bundle }
}

/** Runs the hooks that a container is created with, in the caller's namespaces. `pid` is that of its init. */
export async function runCreationHooks(
  head: RecordHead,
  config: Config,
  pid: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const creating = { ...context(head, config, 'creating', pid), signal }
  await runHooks('prestart', config.hooks?.prestart, creating)
  await runHooks('createRuntime', config.hooks?.createRuntime, creating)
}

/** Where a hook has made the creation fail, the container counts as stopped and deleted: poststop is run. */
export async function runHooksOfFailure(
  head: RecordHead,
  config: Config,
  warn: (warning: Warning) => void,
): Promise<void> {
  const stopped = context(head, config, 'stopped', 0)
  await runHooksLeniently('poststop', config.hooks?.poststop, stopped, (message) => warn({ message }))
}
