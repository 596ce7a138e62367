import type { Seccomp, SeccompAction, SeccompFlag, SeccompRule } from '../../types/index.ts'
import type { NativeSeccompProfile } from '../native.ts'
import { invalid, unsupported } from './context.ts'
import { SECCOMP_ACTIONS, SECCOMP_ARCHS, SECCOMP_FLAGS, SECCOMP_OPERATORS } from './seccomp-names.ts'

const AT = '/linux/seccomp'
const EPERM = 1
const ENOSYS = 38
/** Actions that let a system call happen. A tracer, too, is expected to know of new ones. */
const PERMISSIVE: ReadonlySet<SeccompAction> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'])

/** What is to be compiled, and how the result is to be loaded. */
export interface SeccompPlan {
  profile: NativeSeccompProfile
  /** SECCOMP_FILTER_FLAG_* bits for the load. */
  flags: number
}

/**
 * Turns `linux.seccomp` into what libseccomp takes. The architectures are those listed; libseccomp adds the machine's
 * own. Rules whose action is the default one are left out, since libseccomp refuses them.
 *
 * @throws ERR_OCI_UNSUPPORTED for SCMP_ACT_NOTIFY
 */
export function planSeccomp(seccomp: Seccomp): SeccompPlan {
  const flags = loadFlags(seccomp.flags)
  const defaultAction = action(seccomp.defaultAction, seccomp.defaultErrnoRet, `${AT}/defaultAction`)
  const architectures = (seccomp.architectures ?? []).map((arch, index) =>
    lookUp(SECCOMP_ARCHS, arch, `${AT}/architectures/${index}`),
  )
  const rules = (seccomp.syscalls ?? []).flatMap((rule, index) =>
    planRule(rule, defaultAction, `${AT}/syscalls/${index}`),
  )
  return {
    profile: {
      defaultAction,
      architectures: [...new Set(architectures)],
      rules,
      log: (flags & SECCOMP_FLAGS.SECCOMP_FILTER_FLAG_LOG) !== 0,
      enosys: answersNew(seccomp),
    },
    flags,
  }
}

/**
 * Whether system calls that are newer than the profile get ENOSYS, so that a C library falls back to older ones: not
 * where the default lets them through, nor where it says so already.
 */
function answersNew({ defaultAction, defaultErrnoRet }: Seccomp): boolean {
  return !PERMISSIVE.has(defaultAction) && defaultErrnoRet !== ENOSYS
}

/** null and missing are the default; an empty list is none. */
function loadFlags(flags: readonly SeccompFlag[] | null | undefined): number {
  if (!flags) return SECCOMP_FLAGS.SECCOMP_FILTER_FLAG_SPEC_ALLOW
  let bits = 0
  for (const [index, flag] of flags.entries()) bits |= lookUp(SECCOMP_FLAGS, flag, `${AT}/flags/${index}`)
  // It concerns a listener, and the kernel refuses it without one.
  return bits & ~SECCOMP_FLAGS.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
}

function planRule(rule: SeccompRule, defaultAction: number, at: string): NativeSeccompProfile['rules'] {
  const word = action(rule.action, rule.errnoRet, `${at}/action`)
  if (word === defaultAction) return []
  const args = (rule.args ?? []).map(({ index, value, valueTwo = 0, op }, place) => {
    const operator = lookUp(SECCOMP_OPERATORS, op, `${at}/args/${place}/op`)
    return [index, operator, BigInt(value), BigInt(valueTwo)] as [number, number, bigint, bigint]
  })
  // libseccomp takes one comparison an argument: two on one argument are alternatives.
  const alternatives = new Set(args.map(([index]) => index)).size < args.length
  const conditions = alternatives ? args.map((arg) => [arg]) : [args]
  return rule.names.flatMap((name) => conditions.map((args) => ({ name, action: word, args })))
}

function action(name: SeccompAction, errno: number | undefined, at: string): number {
  const word = lookUp(SECCOMP_ACTIONS, name, at)
  if (name === 'SCMP_ACT_NOTIFY') throw unsupported(at, 'SCMP_ACT_NOTIFY is not implemented yet')
  return name === 'SCMP_ACT_ERRNO' || name === 'SCMP_ACT_TRACE' ? word | (errno ?? EPERM) : word
}

function lookUp<K extends string>(table: Readonly<Record<K, number>>, name: K, at: string): number {
  if (Object.hasOwn(table, name)) return table[name]
  throw invalid(at, `Expected one of ${Object.keys(table).join(', ')}, got "${name}"`)
}

/**
 * What a compiled filter depends on, as text: equal for profiles that give the same filter.
 *
 * @param libseccomp its version: another one may compile otherwise
 */
export function seccompCacheKey({ profile }: SeccompPlan, libseccomp: string): string {
  return JSON.stringify([libseccomp, profile], (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString(16) : value,
  )
}
