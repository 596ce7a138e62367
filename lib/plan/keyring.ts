import { ERRNO } from './constants.ts'
import type { Step } from './steps.ts'

/**
 * A session keyring of the container's own. A kernel without keyrings has none to hide; where keys are used up or
 * forbidden the container is made all the same, with a warning.
 */
export function keyringSteps({ id, noNewKeyring }: { id: string; noNewKeyring: boolean }): Step[] {
  if (noNewKeyring) return []
  return [{ op: 'keyring', name: `_ses.${id}`, mayFail: true, ignore: [ERRNO.ENOSYS] }]
}
