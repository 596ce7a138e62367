import { errnoName, OciError } from '../errors.ts'
import { native } from '../native.ts'
import type { Message } from '../plan/message-codec.ts'
import type { Plan } from '../plan/steps.ts'
import { errnoText, stepError, stepTarget } from './failure.ts'

/** The error that an `error` message of init tells. `plan` is the one that its step counts in. */
export function initError(message: Message, plan: Plan, containerId: string | undefined): OciError {
  return stepError({
    step: plan[message.step],
    errno: message.errno,
    syscall: message.syscall,
    text: message.text,
    containerId,
  })
}

/** The error of an init that ended without a word: its report page tells at which step. */
export function deathError(
  report: number,
  plan: Plan,
  status: { exitCode: number | null; signal: string | null },
  containerId: string | undefined,
  hint?: string,
  offset = 0,
): OciError {
  const page = report < 0 ? undefined : native().report(report)
  const step = page === undefined ? undefined : plan[page.step - offset]
  const how =
    status.signal ?? (status.exitCode === null ? 'an unknown status' : `exit code ${status.exitCode}`)
  const where =
    step === undefined ? '' : ` at the step ${[step.op, stepTarget(step)].filter(Boolean).join(' ')}`
  const why =
    page === undefined || page.errno === 0
      ? ''
      : `: ${errnoText(page.errno)} (${[page.syscall, errnoName(page.errno)].filter(Boolean).join(': ')})`
  return new OciError('ERR_OCI_INIT_DIED', `the init program ended with ${how}${where}${why}`, {
    step: step?.op,
    path: step?.from,
    errno: page?.errno || undefined,
    syscall: page?.syscall || undefined,
    containerId,
    hint,
  })
}
