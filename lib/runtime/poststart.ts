import type { Config } from '../../types/index.ts'
import { containerState } from '../plan/state.ts'
import type { ExitWatch } from './exit.ts'
import { runHooks } from './hooks.ts'
import type { RecordHead } from './record.ts'

/** Runs the poststart hooks. A failure stops the container, as runtime.md (Lifecycle, 9) has it. */
export async function poststart(
  head: RecordHead,
  config: Config,
  watch: ExitWatch,
  signal: AbortSignal | undefined,
): Promise<void> {
  const hooks = config.hooks?.poststart
  if (!hooks?.length) return
  const state = JSON.stringify(containerState({ ...head, config }, 'running', head.pid))
  try {
    await runHooks('poststart', hooks, { containerId: head.id, state, bundle: head.bundle, signal })
  } catch (error) {
    watch.signal(9)
    await watch.ended()
    throw error
  }
}
