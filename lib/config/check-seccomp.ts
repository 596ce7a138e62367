import type { Seccomp, SeccompAction } from '../../types/index.ts'
import { checkAbsolutePath } from './check-text.ts'
import { invalid } from './problem.ts'

/** Largest value that goes with an action: of an error number what the kernel can return, of a message 16 bits. */
const LARGEST: Partial<Record<SeccompAction, number>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 65535 }

/** The rules for `linux.seccomp` (config-linux.md, Seccomp). */
export function checkSeccomp(seccomp: Seccomp, at: string): void {
  checkErrno(seccomp.defaultAction, seccomp.defaultErrnoRet, `${at}/defaultErrnoRet`)
  const listener = seccomp.listenerPath ?? ''
  if (listener !== '') checkAbsolutePath(listener, `${at}/listenerPath`)
  else if (seccomp.listenerMetadata !== undefined && seccomp.listenerMetadata !== '') {
    throw invalid(`${at}/listenerMetadata`, 'no metadata without a listenerPath', seccomp.listenerMetadata)
  }
  checkNotify(seccomp.defaultAction, listener, `${at}/defaultAction`)
  for (const [index, rule] of (seccomp.syscalls ?? []).entries()) {
    const pointer = `${at}/syscalls/${index}`
    checkErrno(rule.action, rule.errnoRet, `${pointer}/errnoRet`)
    checkNotify(rule.action, listener, `${pointer}/action`)
    const empty = rule.names.indexOf('')
    if (empty >= 0) throw invalid(`${pointer}/names/${empty}`, 'the name of a system call', '')
    for (const [place, arg] of (rule.args ?? []).entries()) {
      if (arg.index > 5) throw invalid(`${pointer}/args/${place}/index`, 'an argument from 0 to 5', arg.index)
    }
  }
}

function checkErrno(action: SeccompAction, errno: number | undefined, at: string): void {
  if (errno === undefined) return
  const largest = LARGEST[action]
  if (largest === undefined) {
    throw invalid(
      at,
      `nothing with ${action}`,
      errno,
      'Only SCMP_ACT_ERRNO and SCMP_ACT_TRACE return a number.',
    )
  }
  if (errno > largest) throw invalid(at, `from 0 to ${largest} with ${action}`, errno)
}

function checkNotify(action: SeccompAction, listener: string, at: string): void {
  if (action === 'SCMP_ACT_NOTIFY' && listener === '') {
    throw invalid(at, 'a listenerPath to go with SCMP_ACT_NOTIFY', undefined)
  }
}
