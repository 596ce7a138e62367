import { ERRNO } from './constants.ts'
import type { Step } from './steps.ts'

/** A session keyring of the container's own. Where keys are used up or forbidden it does without. */
export function keyringSteps({ id, noNewKeyring }: { id: string; noNewKeyring: boolean }): Step[] {
  if (noNewKeyring) return []
  return [{ op: 'keyring', name: `_ses.${id}`, ignore: [ERRNO.ENOSYS, ERRNO.EPERM, ERRNO.EDQUOT] }]
}
