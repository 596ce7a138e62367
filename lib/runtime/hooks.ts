import type { Hook } from '../../types/index.ts'
import { isOciError, OciError } from '../errors.ts'
import { runProgram } from './program.ts'

/** The hooks that run in the runtime's namespaces. */
export type RuntimeHookKind = 'prestart' | 'createRuntime' | 'poststart' | 'poststop'

/** What hooks are run with. */
export interface HookContext {
  containerId: string
  /** The container's state as JSON, for their standard input. */
  state: string
  /** Their working directory. */
  bundle: string
  signal?: AbortSignal | undefined
}

/**
 * Runs hooks one after another in the runtime's namespaces.
 *
 * @throws `ERR_OCI_HOOK_FAILED` at the first that can't be run, does not exit 0 or runs out of time; the rest is not run
 */
export async function runHooks(
  kind: RuntimeHookKind,
  hooks: readonly Hook[] | undefined,
  context: HookContext,
): Promise<void> {
  for (const [index, hook] of (hooks ?? []).entries()) await runHook(kind, index, hook, context)
}

/** As `runHooks`, but a failure is told to `warn`, and the rest runs all the same. */
export async function runHooksLeniently(
  kind: RuntimeHookKind,
  hooks: readonly Hook[] | undefined,
  context: HookContext,
  warn: (text: string) => void,
): Promise<void> {
  for (const [index, hook] of (hooks ?? []).entries()) {
    try {
      await runHook(kind, index, hook, context)
    } catch (error) {
      warn((error as Error).message)
    }
  }
}

async function runHook(
  kind: RuntimeHookKind,
  index: number,
  hook: Hook,
  context: HookContext,
): Promise<void> {
  const { containerId, state, bundle, signal } = context
  const fail = (why: string, cause?: unknown) =>
    new OciError('ERR_OCI_HOOK_FAILED', `${kind} hook ${hook.path}: ${why}`, {
      path: `/hooks/${kind}/${index}`,
      step: 'hook',
      containerId,
      cause,
    })
  let result: Awaited<ReturnType<typeof runProgram>>
  try {
    result = await runProgram({
      program: hook.path,
      args: hook.args?.length ? hook.args : [hook.path],
      env: hook.env ?? [],
      cwd: bundle,
      input: state,
      timeoutMs: (hook.timeout ?? 0) * 1000,
      signal,
    })
  } catch (error) {
    if (isOciError(error, 'ERR_OCI_ABORTED')) throw error
    throw fail((error as Error).message, error)
  }
  const { exitCode, output, timedOut } = result
  if (exitCode === 0 && !timedOut) return
  const how = timedOut
    ? `it ran longer than ${hook.timeout} s`
    : exitCode === null
      ? `it was ended by ${result.signal}`
      : `it exited with ${exitCode}`
  throw fail(output.trim() === '' ? how : `${how}: ${output.trim()}`)
}
