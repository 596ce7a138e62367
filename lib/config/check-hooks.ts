import type { Hooks } from '../../types/index.ts'
import { checkAbsolutePath } from './check-text.ts'

/** The hooks of the runtime-spec, in the order in which they are run. */
export const HOOK_NAMES = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const satisfies readonly (keyof Hooks)[]

/** The rules for `hooks` (config.md, POSIX-platform Hooks). */
export function checkHooks(hooks: Hooks): void {
  for (const name of HOOK_NAMES) {
    for (const [index, hook] of (hooks[name] ?? []).entries()) {
      checkAbsolutePath(hook.path, `/hooks/${name}/${index}/path`)
    }
  }
}
