import type { MemoryPolicyFlag, MemoryPolicyMode, NamespaceType } from './linux.ts'
import type { SeccompAction, SeccompArch, SeccompFlag, SeccompOperator } from './seccomp.ts'

/** Whether the runtime implements something, whatever the host can do. */
export interface Feature {
  /** Whether it is implemented; null and missing mean unknown. */
  enabled?: boolean | null
}

/** Which cgroup managers the runtime implements. In each, null and missing mean unknown. */
export interface CgroupFeatures {
  /** Whether cgroup v1 is implemented. */
  v1?: boolean | null
  /** Whether cgroup v2 is implemented. */
  v2?: boolean | null
  /** Whether the cgroup manager that asks the system's systemd is implemented. */
  systemd?: boolean | null
  /** Whether the cgroup manager that asks a user's systemd is implemented. */
  systemdUser?: boolean | null
  /** Whether the rdma controller is implemented. */
  rdma?: boolean | null
}

/** What the runtime knows of seccomp. In each, null and missing mean unknown. */
export interface SeccompFeatures {
  /** Whether seccomp is implemented. */
  enabled?: boolean | null
  /** Known actions. */
  actions?: SeccompAction[] | null
  /** Known operators. */
  operators?: SeccompOperator[] | null
  /** Known architectures. */
  archs?: SeccompArch[] | null
  /** Known flags. */
  knownFlags?: SeccompFlag[] | null
  /** Those of the known flags that the kernel and libseccomp here support. */
  supportedFlags?: SeccompFlag[] | null
}

/** What the runtime knows of Intel RDT. In each, null and missing mean unknown. */
export interface IntelRdtFeatures {
  /** Whether `linux.intelRdt` is implemented. */
  enabled?: boolean | null
  /** Whether its `schemata` is implemented. */
  schemata?: boolean | null
  /** Whether its `enableMonitoring` is implemented. */
  monitoring?: boolean | null
}

/** What the runtime knows of NUMA memory policies. In each, null and missing mean unknown. */
export interface MemoryPolicyFeatures {
  /** Known modes. */
  modes?: MemoryPolicyMode[] | null
  /** Known flags. */
  flags?: MemoryPolicyFlag[] | null
}

/** Extensions of mounts that the runtime implements. */
export interface MountExtensionFeatures {
  /** Whether `uidMappings` and `gidMappings` of mounts are implemented. */
  idmap?: Feature | null
}

/** What the runtime implements for Linux (features-linux.md). In each, null and missing mean unknown. */
export interface LinuxFeatures {
  /** Known kinds of namespaces. */
  namespaces?: NamespaceType[] | null
  /** Known capabilities: `CAP_KILL`. */
  capabilities?: string[] | null
  /** Cgroup managers. */
  cgroup?: CgroupFeatures | null
  /** System call filters. */
  seccomp?: SeccompFeatures | null
  /** AppArmor. */
  apparmor?: Feature | null
  /** SELinux. */
  selinux?: Feature | null
  /** Intel RDT. */
  intelRdt?: IntelRdtFeatures | null
  /** NUMA memory policies. */
  memoryPolicy?: MemoryPolicyFeatures | null
  /** Extensions of mounts. */
  mountExtensions?: MountExtensionFeatures | null
  /** Moving of network devices. */
  netDevices?: Feature | null
}

/** What the runtime implements, whatever the host can do (features.md). */
export interface Features {
  /** Oldest version of the runtime-spec that the runtime accepts in a config. */
  ociVersionMin: string
  /** Newest version of the runtime-spec that the runtime accepts in a config. */
  ociVersionMax: string
  /** Known hooks; null and missing mean unknown. */
  hooks?: string[] | null
  /** Known mount options, without those of single filesystems; null and missing mean unknown. */
  mountOptions?: string[] | null
  /** What is implemented for Linux. */
  linux?: LinuxFeatures | null
  /** Facts about the runtime, by a name in reverse domain notation. */
  annotations?: Record<string, string> | null
  /** Annotations of a config that may weaken a container; one that ends in `.` is a prefix. */
  potentiallyUnsafeConfigAnnotations?: string[] | null
}
