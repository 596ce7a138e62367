import type { Step } from '../plan/steps.ts'

const EPERM = 1
const EACCES = 13
const ENOSPC = 28
const EROFS = 30
const ENOSYS = 38
const EOPNOTSUPP = 95
const EDQUOT = 122
const CLONE_NEWUSER = 0x1000_0000

const THREADED =
  'the cgroup lies below a threaded one (see its cgroup.type) and takes no process: choose another linux.cgroupsPath'

/** What a person can do about a failed step, where that is known. */
export function hintFor(step: Step | undefined, errno: number): string | undefined {
  if (step === undefined) return undefined
  switch (step.op) {
    case 'joinCgroup':
      if (errno === EOPNOTSUPP) return THREADED
      break
    case 'unshare':
    case 'spawn':
    case 'fork':
      if (step.op === 'spawn' && errno === EOPNOTSUPP) return THREADED
      return namespaceHint(step, errno)
    case 'keyring':
      if (errno === EDQUOT) return 'raise the sysctl kernel.keys.maxkeys, or create with noNewKeyring'
      break
    case 'setIds':
      if (errno === 22)
        return 'the id is not mapped in the user namespace: extend uidMappings and gidMappings'
      break
    case 'scheduler':
      if (errno === EPERM) return 'real-time policies need CAP_SYS_NICE, and cpu.rt_runtime_us on cgroup v1'
      break
    case 'rlimit':
      if (errno === EPERM) return 'raising a hard limit needs CAP_SYS_RESOURCE'
      break
    case 'mountFs':
      if (errno === EPERM && step.fstype === 'sysfs')
        return 'without a network namespace of its own, bind the host’s /sys instead'
      if (errno === EPERM && step.fstype === 'proc')
        return 'parts of this procfs are masked: a new one would reveal more'
      if (errno === 19) return `the kernel does not know the filesystem ${step.fstype}`
      break
    case 'pivotRoot':
      if (errno === 22) return 'on a ramfs use noPivot'
      break
    case 'mkdir':
      // Without a login session nobody makes /run/user/UID.
      if ((errno === EACCES || errno === EROFS) && step.path.startsWith('/run/'))
        return 'set XDG_RUNTIME_DIR, or choose another root (--root) for the containers’ states: a directory of your own'
      break
    case 'checkCgroupEmpty':
      return 'another container uses this cgroup: choose another linux.cgroupsPath'
    case 'openPidfd':
      if (errno === ENOSYS) return 'Linux 5.3 or newer is needed'
      break
  }
  if ((errno === EACCES || errno === EROFS || errno === EPERM) && cgroupPath(step)) {
    return 'cgroups can’t be written: run as root, delegate a cgroup, or use cgroupManager: "disabled"'
  }
  return undefined
}

function namespaceHint(step: Step & { flags?: unknown }, errno: number): string | undefined {
  const user = (Number(step.flags ?? 0) & CLONE_NEWUSER) !== 0
  if (user && (errno === EPERM || errno === EACCES)) {
    return 'user namespaces are forbidden here: see the sysctls kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns'
  }
  if (errno === EPERM) return 'new namespaces need CAP_SYS_ADMIN, or a user namespace in linux.namespaces'
  if (errno === ENOSPC) return 'too many namespaces: see the sysctls user.max_*_namespaces'
  if (errno === 11) return 'too many processes: see pids.max of the cgroup and RLIMIT_NPROC'
  return undefined
}

function cgroupPath(step: Step): boolean {
  return 'path' in step && typeof step.path === 'string' && step.path.startsWith('/sys/fs/cgroup')
}
