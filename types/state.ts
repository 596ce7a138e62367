import type { Annotations } from './config.ts'

/**
 * What a container is doing. `paused` (its cgroup is frozen) is this runtime's addition to those of the runtime-spec, as
 * runc and crun have it.
 */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/** The state of a container (runtime.md), as `state` prints it and as hooks get it on stdin. */
export interface State {
  /** Version of the runtime-spec that this object complies with. */
  ociVersion: string
  /** Id of the container, unique on the host. */
  id: string
  /** What it is doing. */
  status: Status
  /**
   * Pid of its first process: on the host, or (for hooks that run in the container) in the container. Missing or 0 when
   * there is none.
   *
   * @asType integer
   * @minimum 0
   * @maximum 4194304
   */
  pid?: number
  /** Absolute path of the bundle on the host. */
  bundle: string
  /** The config's annotations. */
  annotations?: Annotations
}

/** What a seccomp listener gets, along with the notify descriptor, when a process with a filter starts. */
export interface ContainerProcessState {
  /** Version of the runtime-spec that this object complies with. */
  ociVersion: string
  /** Names of the descriptors that come along, in their order: `seccompFd`. */
  fds?: string[]
  /**
   * Pid of the process, as the runtime sees it.
   *
   * @asType integer
   * @minimum 0
   * @maximum 4194304
   */
  pid: number
  /** The config's `listenerMetadata`. */
  metadata?: string
  /** State of the container. */
  state: State
}
