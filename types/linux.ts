import type { IdMapping } from './mount.ts'
import type { Int64, Uint32 } from './numbers.ts'
import type { Resources } from './resources.ts'
import type { Seccomp } from './seccomp.ts'

/** A kind of namespace (namespaces(7)). */
export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'

/** A namespace that the container does not share with the runtime. */
export interface Namespace {
  /** The kind. Each at most once; one that is not listed is the runtime's. */
  type: NamespaceType
  /** Absolute path of the namespace to join, on the host: `/proc/4711/ns/net`. Without it, a new one is made. */
  path?: string
}

/** How far a clock of a time namespace is ahead of the host's (time_namespaces(7)). */
export interface TimeOffset {
  /** Whole seconds; may be negative. Without it, 0. */
  secs?: Int64
  /** Nanoseconds on top, from 0 to 999999999. Without it, 0. */
  nanosecs?: Uint32
}

/** Offsets of the clocks of a new time namespace. */
export interface TimeOffsets {
  /** Of `CLOCK_MONOTONIC`. */
  monotonic?: TimeOffset
  /** Of `CLOCK_BOOTTIME`. */
  boottime?: TimeOffset
}

/** A device node in the container (mknod(2)). */
export interface Device {
  /** Absolute path inside the container. */
  path: string
  /**
   * Kind of node: `c` or `u` character device, `b` block device, `p` FIFO.
   *
   * @pattern ^[cbup]$
   */
  type: string
  /** Major number; required unless the kind is `p`. */
  major?: Int64
  /** Minor number; required unless the kind is `p`. */
  minor?: Int64
  /** Permission bits, a number: 438 is 0o666, which is also the default. Bits of the file type are ignored. */
  fileMode?: Uint32
  /** User id of the owner, inside the container. Without it, 0. */
  uid?: Uint32
  /** Group id of the owner, inside the container. Without it, 0. */
  gid?: Uint32
}

/** A network device that is moved from the host into the container. */
export interface NetDevice {
  /** Name inside the container; `%d` is replaced by the first free number. Without it, the name on the host. */
  name?: string
}

/** Mount propagation of the root filesystem (mount_namespaces(7)); the forms with `r` include mounts below it. */
export type RootfsPropagation =
  | 'private'
  | 'shared'
  | 'slave'
  | 'unbindable'
  | 'rprivate'
  | 'rshared'
  | 'rslave'
  | 'runbindable'

/** Intel Resource Director Technology: shares of cache and memory bandwidth (resctrl). */
export interface IntelRdt {
  /** Name of the class of service, a directory of the resctrl filesystem; `/` is its root. Without it, the id. */
  closID?: string
  /** Lines for the `schemata` file, written last. */
  schemata?: string[]
  /** Line for the L3 cache, by cache id a bit mask: `L3:0=7f0;1=1f`. */
  l3CacheSchema?: string
  /**
   * Line for the memory bandwidth, by cache id a percentage (or MB/s): `MB:0=20;1=70`.
   *
   * @pattern ^MB:[^\n]*$
   */
  memBwSchema?: string
  /** Whether the container gets a monitoring group of its own. Without it, false. */
  enableMonitoring?: boolean
}

/** A mode of set_mempolicy(2). */
export type MemoryPolicyMode =
  | 'MPOL_DEFAULT'
  | 'MPOL_BIND'
  | 'MPOL_INTERLEAVE'
  | 'MPOL_WEIGHTED_INTERLEAVE'
  | 'MPOL_PREFERRED'
  | 'MPOL_PREFERRED_MANY'
  | 'MPOL_LOCAL'

/** A flag of set_mempolicy(2). */
export type MemoryPolicyFlag = 'MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES'

/** On which NUMA nodes memory is allocated (set_mempolicy(2)). */
export interface MemoryPolicy {
  /** The mode. */
  mode: MemoryPolicyMode
  /** The nodes, as a list of numbers and ranges: `0-3,7`. Some modes need some, others allow none. */
  nodes?: string
  /** Flags of the mode. */
  flags?: MemoryPolicyFlag[]
}

/** An execution domain of personality(2). */
export type PersonalityDomain = 'LINUX' | 'LINUX32'

/** The execution domain of the process (personality(2)). */
export interface Personality {
  /** The domain; `LINUX32` makes uname(2) tell a 32-bit machine. */
  domain: PersonalityDomain
  /** More flags; the runtime-spec defines none, and any is ignored with a warning. */
  flags?: string[]
}

/** The part of a config that is specific to Linux (config-linux.md). */
export interface Linux {
  /** User ids of a new user namespace. */
  uidMappings?: IdMapping[]
  /** Group ids of a new user namespace. */
  gidMappings?: IdMapping[]
  /** Kernel parameters, by name: `net.ipv4.ip_forward`. Only those of a namespace that the container owns. */
  sysctl?: Record<string, string>
  /** Limits of the container's cgroup. */
  resources?: Resources
  /**
   * The container's cgroup: an absolute path counts from the root of the hierarchy, a relative one from a place that the
   * runtime chooses; with systemd `slice:prefix:name`.
   */
  cgroupsPath?: string
  /** Namespaces to make or join. */
  namespaces?: Namespace[]
  /** Device nodes to make, besides the default ones. */
  devices?: Device[]
  /** Network devices to move into the container, by their name on the host. */
  netDevices?: Record<string, NetDevice>
  /** The system call filter. */
  seccomp?: Seccomp
  /** Mount propagation of the root filesystem. Without it, private towards the host. */
  rootfsPropagation?: RootfsPropagation
  /** Absolute paths inside the container that are made unreadable. Those that don't exist are skipped. */
  maskedPaths?: string[]
  /** Absolute paths inside the container that are made read-only. Those that don't exist are skipped. */
  readonlyPaths?: string[]
  /** SELinux context of the files of the container's mounts. */
  mountLabel?: string
  /** Shares of cache and memory bandwidth. */
  intelRdt?: IntelRdt
  /** On which NUMA nodes memory is allocated. */
  memoryPolicy?: MemoryPolicy
  /** The execution domain. */
  personality?: Personality
  /** Offsets of the clocks of a new time namespace. */
  timeOffsets?: TimeOffsets
}
