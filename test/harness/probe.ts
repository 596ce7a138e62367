import { compile } from './compile.ts'

const SOURCES = ['probe.h', 'probe.c', 'json.c', 'util.c', 'identity.c', 'process.c', 'files.c']

/** The sections of a report, the names that `probe --sections` takes. */
export type ProbeSection = keyof ProbeReport

/** What a probe saw of one path (`--stat`). With `error`, nothing else is there. */
export interface ProbedPath {
  error?: string
  type?: 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket'
  /** Four octal digits. */
  mode?: string
  uid?: number
  gid?: number
  size?: number
  /** `major:minor`. */
  rdev?: string
  target?: string
  /** The file system's magic number, hexadecimal. */
  filesystem?: string
  readable?: boolean
  writable?: boolean
  writeError?: string | null
  /** Of a file: bytes read, 1 at most. Of a directory: entries. -1 where reading failed. */
  content?: number
  readError?: string | null
  /** Of a character device: why it could not be opened for reading. */
  openError?: string | null
}

/** One line of mountinfo. */
export interface ProbedMount {
  mountpoint: string
  root: string
  device: string
  options: string[]
  /** `shared`, `master`, `unbindable`; empty for private. */
  propagation: string[]
  type: string
  source: string
  superOptions: string[]
}

/** A probe's report. Only the sections that were asked for are there. */
export interface ProbeReport {
  fds: {
    fd: number
    target: string | null
    type: string
    access: 'r' | 'w' | 'rw' | 'path'
    append: boolean
    nonblock: boolean
    tty: boolean
    uid: number
  }[]
  /** uid and gid: real, effective, saved, of the file system. */
  ids: {
    uid: number[]
    gid: number[]
    groups: number[]
    uidMap: string[]
    gidMap: string[]
    setgroups: string
  }
  /** The sets are 16 hexadecimal digits each. */
  caps: {
    effective: string
    permitted: string
    inheritable: string
    bounding: string
    ambient: string
    securebits: number
    noNewPrivileges: boolean
    dumpable: number
    keepCaps: boolean
  }
  seccomp: { mode: number | null; filters: number | null }
  /** By the kernel's name without RLIMIT_: soft and hard, a decimal number or `unlimited`. */
  rlimits: Record<string, [soft: string, hard: string]>
  process: {
    cwd: string | null
    argv: string[]
    env: string[]
    exe: string | null
    comm: string | null
    umask: string
    pid: number
    ppid: number
    pgid: number
    sid: number
    /** Eight hexadecimal digits. */
    personality: string
    subreaper: boolean
    parentDeathSignal: number
    timerSlack: number
    thpDisabled: number
  }
  signals: { blocked: number[]; ignored: number[] }
  mounts: ProbedMount[] | null
  /** As the links in /proc/self/ns say: `mnt:[4026531841]`. */
  namespaces: Record<string, string | null>
  cgroup: string[] | null
  oom: { scoreAdj: string | null }
  sched: {
    policy: number
    flags: number
    nice: number
    priority: number
    runtime: number
    deadline: number
    period: number
    ioClass: number
    ioPriority: number
    affinity: number[]
    memoryMode: number | null
    memoryNodes: string | null
  }
  host: { hostname: string; domainname: string; machine: string; release: string }
  tty: {
    stdio: boolean[]
    controlling: boolean
    name?: string | null
    rows?: number
    columns?: number
    onlcr?: boolean
    echo?: boolean
    foregroundGroup?: number
    session?: number
  }
  sysctl: Record<string, string | null>
  paths: Record<string, ProbedPath>
  lsm: { current: string | null; apparmor: string | null; exec: string | null; keycreate: string | null }
  time: { offsets: string[] | null }
  keyring: { session: string | null; error: string | null }
  network: { name: string; flags: string[]; mtu: number; addresses: string[] }[]
  /** By number (`--syscall`): the name of the error; null where it succeeded. All arguments are 0. */
  syscalls: Record<string, string | null>
}

/**
 * The probe program, a static executable that reports what it sees from inside a container as JSON on
 * its stdout: `probe [--sections a,b] [--stat PATH]… [--sysctl KEY]… [--syscall NUMBER]…`.
 * Built when needed.
 */
export function probeBinary(): string {
  return compile(
    'probe',
    SOURCES.map((name) => `test/probe/${name}`),
  )
}

/** Reads a report. A probe that died on its way leaves no complete JSON: that is an error. */
export function parseProbe(stdout: string | Uint8Array): ProbeReport {
  const text = typeof stdout === 'string' ? stdout : Buffer.from(stdout).toString()
  try {
    return JSON.parse(text) as ProbeReport
  } catch (cause) {
    throw new Error(`not a probe's report: ${JSON.stringify(text.slice(0, 400))}`, { cause })
  }
}
