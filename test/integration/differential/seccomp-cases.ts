import type { Config } from 'oci-ts'
import type { Case } from './runtimes.ts'

type Seccomp = NonNullable<NonNullable<Config['linux']>['seccomp']>
type Rule = NonNullable<Seccomp['syscalls']>[number]

const seccomp = (profile: Seccomp) => (config: Config) =>
  void Object.assign(config.linux!, { seccomp: profile })
const CHMOD = ['chmod', 'fchmodat', 'fchmodat2']

/** What chmod(1) says of one mode after the other. */
const TRIES = '$(touch /dev/shm/f; for m in 400 440 444 640; do chmod $m /dev/shm/f 2>&- && echo $m; done)'

/** A case in which chmod(2) with some modes is forbidden. */
function compare(
  op: NonNullable<Rule['args']>[number]['op'],
  value: number,
  allowed: string[],
  valueTwo?: number,
): Case {
  const arg = { index: 1, value, op, ...(valueTwo === undefined ? {} : { valueTwo }) }
  return {
    name: `seccomp: ${op} ${value.toString(8)}`,
    change: seccomp({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['chmod'], action: 'SCMP_ACT_ERRNO', errnoRet: 95, args: [arg] }],
    }),
    show: TRIES,
    sees: { 'process.argv': ['/probe', '--', ...allowed] },
  }
}

/** A case in which chmod(2) is answered by an action; then the exit code of chmod(1) is shown. */
function action(name: Rule['action'], code: number): Case {
  return {
    name: `seccomp: ${name}`,
    change: seccomp({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: CHMOD, action: name }],
    }),
    show: '$(touch /dev/shm/f; chmod 600 /dev/shm/f 2>&-; echo $?)',
    sees: { 'process.argv': ['/probe', '--', String(code)] },
  }
}

/** What a shell and the probe need. */
const NEEDED =
  'access arch_prctl brk capget capset chdir clock_gettime clone close connect dup dup2 dup3 execve exit exit_group ' +
  'faccessat faccessat2 fchdir fchown fcntl fork fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getgroups ' +
  'getpgid getpgrp getpid getppid getresgid getresuid getrlimit getrandom getsid getsockname getuid get_mempolicy ' +
  'get_robust_list ioctl ioprio_get keyctl lseek lstat mmap mprotect mremap munmap newfstatat open openat openat2 ' +
  'personality pipe pipe2 poll prctl prlimit64 read readlink readlinkat recvfrom recvmsg rseq rt_sigaction ' +
  'rt_sigprocmask rt_sigreturn sched_getaffinity sched_getattr sendmsg sendto setfsgid setfsuid setgid setgroups ' +
  'setitimer setpgid setresgid setresuid setrlimit setsid setuid set_robust_list set_tid_address sigaltstack socket ' +
  'socketpair stat statfs statx sysinfo tgkill time umask uname unlink vfork wait4 waitid write writev bind close_range ' +
  'accept4 epoll_create1 epoll_ctl epoll_pwait eventfd2 getpeername getsockopt gettid madvise nanosleep fchmod ' +
  'sched_yield timer_create timer_settime timer_delete pread64 pidfd_open pidfd_send_signal execveat memfd_create'

/** `/linux/seccomp`. Numbers of calls are those of x86_64. */
export const seccompCases: Case[] = [
  {
    name: 'seccomp: errno for one call',
    change: seccomp({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names: ['sethostname', 'mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    }),
    show: '$(mkdir /dev/shm/x 2>&1)',
    sees: {
      'seccomp.mode': 2,
      'process.argv': [
        '/probe',
        '--',
        'mkdir:',
        "can't",
        'create',
        'directory',
        "'/dev/shm/x':",
        'Operation',
        'not',
        'supported',
      ],
    },
  },
  {
    name: 'seccomp: a condition on an argument, no new privileges off',
    change: (config) => {
      config.process!.noNewPrivileges = false
      config.linux!.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          {
            names: ['mkdir'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 95,
            args: [{ index: 1, value: 0o700, op: 'SCMP_CMP_EQ' }],
          },
        ],
      }
    },
    show: '$(mkdir -m 700 /dev/shm/a 2>&1; mkdir -m 711 /dev/shm/b 2>&1; ls /dev/shm)',
    sees: { 'seccomp.mode': 2 },
  },
  action('SCMP_ACT_KILL', 159),
  action('SCMP_ACT_KILL_THREAD', 159),
  action('SCMP_ACT_KILL_PROCESS', 159),
  action('SCMP_ACT_TRAP', 159),
  action('SCMP_ACT_ERRNO', 1),
  action('SCMP_ACT_TRACE', 1),
  action('SCMP_ACT_LOG', 0),
  compare('SCMP_CMP_NE', 0o440, ['440']),
  compare('SCMP_CMP_LT', 0o440, ['440', '444', '640']),
  compare('SCMP_CMP_LE', 0o440, ['444', '640']),
  compare('SCMP_CMP_EQ', 0o440, ['400', '444', '640']),
  compare('SCMP_CMP_GE', 0o440, ['400']),
  compare('SCMP_CMP_GT', 0o440, ['400', '440']),
  compare('SCMP_CMP_MASKED_EQ', 0o040, ['400'], 0o040),
  {
    name: 'seccomp: flags',
    change: seccomp({
      defaultAction: 'SCMP_ACT_ALLOW',
      flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
    }),
    sees: { 'seccomp.mode': 2 },
  },
  {
    name: 'seccomp: only what is listed, on all architectures of the machine',
    change: seccomp({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 13,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [{ names: NEEDED.split(' '), action: 'SCMP_ACT_ALLOW' }],
    }),
    // chroot and swapoff, which are not listed; one that no kernel has yet.
    syscall: [161, 168, 1000],
    sees: { 'syscalls.161': 'EACCES', 'syscalls.1000': 'ENOSYS', 'seccomp.mode': 2 },
    except: { crun: { 'syscalls.1000': 'answers calls that the profile is too old to know as the others' } },
  },
]
