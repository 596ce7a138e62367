import type { Hooks } from './hooks.ts'
import type { Linux } from './linux.ts'
import type { Mount } from './mount.ts'
import type { Process } from './process.ts'

/** The container's root filesystem. */
export interface Root {
  /** Directory on the host: an absolute path, or one relative to the bundle; usually `rootfs`. */
  path: string
  /** Whether the root filesystem is read-only inside the container. Without it, false. */
  readonly?: boolean
}

/**
 * Metadata: any text by a name in reverse domain notation. It is handed on in the container's state.
 *
 * @opaque
 */
export type Annotations = Record<string, string>

/**
 * What `config.json` of a bundle says: the process to run and the container to run it in (runtime-spec 1.3.0, config.md).
 * Properties that are not listed here are accepted and ignored.
 */
export interface Config {
  /** Version of the runtime-spec that the bundle complies with, in SemVer 2.0.0 format: `1.3.0`. */
  ociVersion: string
  /** The container's first process. It may be missing at create; start then fails. */
  process?: Process
  /** The root filesystem. */
  root: Root
  /** Host name inside the container (sethostname(2)); needs a uts namespace. */
  hostname?: string
  /** NIS domain name inside the container (setdomainname(2)); needs a uts namespace. */
  domainname?: string
  /** Filesystems to mount on top of the root, in order. */
  mounts?: Mount[]
  /** Programs to run at points of the container's life. */
  hooks?: Hooks
  /** Metadata. */
  annotations?: Annotations
  /** What is specific to Linux. */
  linux?: Linux
  /** Settings for FreeBSD: accepted and ignored. */
  freebsd?: unknown
  /** Settings for Solaris: accepted and ignored. */
  solaris?: unknown
  /** Settings for virtual machines: accepted and ignored. */
  vm?: unknown
  /** Settings for Windows: accepted and ignored. */
  windows?: unknown
  /** Settings for z/OS: accepted and ignored. */
  zos?: unknown
}
