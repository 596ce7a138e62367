import type { Hook, Hooks, Status } from '../../types/index.ts'
import { type StateInput, stateAroundPid } from './state.ts'
import type { Step } from './steps.ts'

/** The lists of hooks that init itself runs, since their programs run in the container's namespaces. */
export type InitHooks = 'createContainer' | 'startContainer'

const STATUS: Readonly<Record<InitHooks, Status>> = { createContainer: 'creating', startContainer: 'created' }

/**
 * The steps that run one list of hooks in init. The state on their standard input has init's pid as the container sees
 * it.
 *
 * @param defaultEnv the environment of hooks that have none of their own
 */
export function hookSteps(
  list: InitHooks,
  hooks: readonly Hook[] | undefined,
  state: StateInput,
  defaultEnv: readonly string[] = [],
): Step[] {
  if (!hooks?.length) return []
  const [stdinHead, stdinTail] = stateAroundPid(state, STATUS[list])
  return hooks.map(({ path, args, env, timeout }, index) => ({
    op: 'hook',
    path,
    args: args?.length ? args : [path],
    env: env ?? defaultEnv,
    stdinHead,
    stdinTail,
    timeoutMs: (timeout ?? 0) * 1000,
    from: `/hooks/${list}/${index}`,
  }))
}

/** Whether the caller has hooks to run while init waits: prestart and createRuntime. */
export function hasRuntimeHooks(hooks: Hooks | undefined): boolean {
  return Boolean(hooks?.prestart?.length || hooks?.createRuntime?.length)
}
