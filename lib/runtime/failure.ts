import { getSystemErrorMap } from 'node:util'
import { errnoName, OciError, type OciErrorCode } from '../errors.ts'
import type { Step, StepName } from '../plan/steps.ts'
import { hintFor } from './hints.ts'

/** A failed step, as a batch's result, a message of init or its report tells it. */
export interface StepFailure {
  step: Step | undefined
  errno: number
  syscall: string
  /** What the interpreter says beyond that; may be empty. */
  text: string
  containerId?: string | undefined
}

const ENOENT = 2
const EACCES = 13
const PROGRAM_ERRORS = new Map<number, OciErrorCode>([
  [ENOENT, 'ERR_OCI_PROGRAM_NOT_FOUND'],
  [20, 'ERR_OCI_PROGRAM_NOT_FOUND'],
  [EACCES, 'ERR_OCI_PROGRAM_NOT_EXECUTABLE'],
  [1, 'ERR_OCI_PROGRAM_NOT_EXECUTABLE'],
  [8, 'ERR_OCI_PROGRAM_NOT_EXECUTABLE'],
  [21, 'ERR_OCI_PROGRAM_NOT_EXECUTABLE'],
])
const BY_STEP = new Map<StepName, OciErrorCode>([
  ['hook', 'ERR_OCI_HOOK_FAILED'],
  ['seccomp', 'ERR_OCI_SECCOMP'],
  ['joinCgroup', 'ERR_OCI_CGROUP'],
  ['removeCgroup', 'ERR_OCI_CGROUP'],
  ['killCgroup', 'ERR_OCI_CGROUP'],
  ['freezeCgroup', 'ERR_OCI_CGROUP'],
  ['checkCgroupEmpty', 'ERR_OCI_CGROUP'],
  ['deviceBpf', 'ERR_OCI_CGROUP'],
])

/** The kernel's sentence for an error number: `no such file or directory`. */
export function errnoText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? errnoName(errno)
}

/** What a step works on, for people. */
export function stepTarget(step: Step): string {
  const fields: Readonly<Record<string, unknown>> = { ...step }
  for (const name of ['target', 'path', 'key', 'program', 'name']) {
    if (typeof fields[name] === 'string') return fields[name]
  }
  return ''
}

function code(step: Step | undefined, errno: number): OciErrorCode {
  if (step === undefined) return 'ERR_OCI_STEP_FAILED'
  if (step.op === 'findProgram' || step.op === 'exec')
    return PROGRAM_ERRORS.get(errno) ?? 'ERR_OCI_STEP_FAILED'
  const known = BY_STEP.get(step.op)
  if (known !== undefined) return known
  if (stepTarget(step).startsWith('/sys/fs/cgroup/')) return 'ERR_OCI_CGROUP'
  if (errno === 38 || errno === 95) return 'ERR_OCI_UNSUPPORTED'
  return 'ERR_OCI_STEP_FAILED'
}

function message(failure: StepFailure): string {
  const { step, errno, syscall, text } = failure
  const reason =
    errno === 0 ? '' : `${errnoText(errno)} (${[syscall, errnoName(errno)].filter(Boolean).join(': ')})`
  if (step === undefined) return [text, reason].filter(Boolean).join(': ') || 'a step failed'
  if (step.op === 'findProgram' || step.op === 'exec') {
    // Engines tell exit codes 127 and 126 by these words.
    const program = step.op === 'exec' ? (step.args[0] ?? '') : step.program
    const inPath = errno === ENOENT && !program.includes('/')
    const why = inPath ? 'executable file not found in $PATH' : reason
    const more = text === '' || text === program ? '' : `: ${text}`
    return `exec: ${JSON.stringify(program)}: ${why}${more}`
  }
  // The text says what became of the hook's program; the error number only that something did.
  if (step.op === 'hook' && text !== '') return `hook ${step.path}: ${text}`
  const what = [step.op, stepTarget(step)].filter(Boolean).join(' ')
  return [what, text, reason].filter(Boolean).join(': ')
}

/** The error that a failed step amounts to. */
export function stepError(failure: StepFailure): OciError {
  const { step, errno, syscall } = failure
  return new OciError(code(step, errno), message(failure), {
    step: step?.op,
    errno: errno || undefined,
    syscall: syscall || undefined,
    path: step?.from,
    containerId: failure.containerId,
    hint: hintFor(step, errno),
  })
}
