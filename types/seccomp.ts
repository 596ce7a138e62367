import type { Uint32, Uint64 } from './numbers.ts'

/**
 * What happens at a system call (seccomp_rule_add(3)). `SCMP_ACT_KILL` is `SCMP_ACT_KILL_THREAD`.
 */
export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY'

/** An architecture of system calls (seccomp_arch_add(3)). */
export type SeccompArch =
  | 'SCMP_ARCH_X86'
  | 'SCMP_ARCH_X86_64'
  | 'SCMP_ARCH_X32'
  | 'SCMP_ARCH_ARM'
  | 'SCMP_ARCH_AARCH64'
  | 'SCMP_ARCH_LOONGARCH64'
  | 'SCMP_ARCH_M68K'
  | 'SCMP_ARCH_MIPS'
  | 'SCMP_ARCH_MIPS64'
  | 'SCMP_ARCH_MIPS64N32'
  | 'SCMP_ARCH_MIPSEL'
  | 'SCMP_ARCH_MIPSEL64'
  | 'SCMP_ARCH_MIPSEL64N32'
  | 'SCMP_ARCH_PPC'
  | 'SCMP_ARCH_PPC64'
  | 'SCMP_ARCH_PPC64LE'
  | 'SCMP_ARCH_S390'
  | 'SCMP_ARCH_S390X'
  | 'SCMP_ARCH_SH'
  | 'SCMP_ARCH_SHEB'
  | 'SCMP_ARCH_PARISC'
  | 'SCMP_ARCH_PARISC64'
  | 'SCMP_ARCH_RISCV64'

/** A flag of seccomp(2). */
export type SeccompFlag =
  | 'SECCOMP_FILTER_FLAG_TSYNC'
  | 'SECCOMP_FILTER_FLAG_LOG'
  | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
  | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'

/** How an argument of a system call is compared (seccomp_rule_add(3)). */
export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ'

/** A condition on one argument of a system call. */
export interface SeccompArg {
  /** Which argument: 0 is the first, 5 the last. */
  index: Uint32
  /** Value to compare with; of `SCMP_CMP_MASKED_EQ` the mask. */
  value: Uint64
  /** Of `SCMP_CMP_MASKED_EQ` the value that the masked argument must have. Without it, 0. */
  valueTwo?: Uint64
  /** The comparison. */
  op: SeccompOperator
}

/** What happens at certain system calls. */
export interface SeccompRule {
  /**
   * Names of the system calls: `getcwd`. Those that are not known are ignored.
   *
   * @minItems 1
   */
  names: string[]
  /** What happens. */
  action: SeccompAction
  /**
   * Error number that `SCMP_ACT_ERRNO` returns, or message of `SCMP_ACT_TRACE` to the tracer. Without it, 1 (EPERM).
   * Not allowed with other actions.
   */
  errnoRet?: Uint32
  /** Conditions on the arguments; all must hold. Two on one argument are alternatives. */
  args?: SeccompArg[]
}

/** The system call filter of a process (seccomp(2)). */
export interface Seccomp {
  /** What happens at system calls that no rule names. */
  defaultAction: SeccompAction
  /**
   * Error number that a {@link defaultAction} of `SCMP_ACT_ERRNO` returns, or message of `SCMP_ACT_TRACE`. Without it, 1
   * (EPERM). Not allowed with other actions.
   */
  defaultErrnoRet?: Uint32
  /** Architectures whose system calls are filtered, besides the machine's own. */
  architectures?: SeccompArch[]
  /** Flags of the filter. Without it, `SECCOMP_FILTER_FLAG_SPEC_ALLOW`; an empty list is none. */
  flags?: SeccompFlag[]
  /** Path of a UNIX stream socket that gets the notify descriptor of `SCMP_ACT_NOTIFY`, with the process's state. */
  listenerPath?: string
  /**
   * Text handed to the listener as it is; only along with {@link listenerPath}.
   *
   * @opaque
   */
  listenerMetadata?: string
  /** The rules. */
  syscalls?: SeccompRule[]
}
