import type { Uint32 } from './numbers.ts'

/**
 * A range of user or group ids, as a line of `/proc/PID/uid_map` (user_namespaces(7)).
 */
export interface IdMapping {
  /** First id of the range inside the container. */
  containerID: Uint32
  /** First id of the range on the host; it becomes {@link containerID}. */
  hostID: Uint32
  /** Number of ids in the range; at least 1. */
  size: Uint32
}

/**
 * A filesystem or a part of one, mounted into the container. Mounts are made in the order of the list (mount(2)).
 */
export interface Mount {
  /**
   * Where to mount: a path inside the container. Absolute; a relative one is deprecated and counts from `/`.
   */
  destination: string
  /**
   * Type of the filesystem, as in `/proc/filesystems`: `proc`, `tmpfs`. Of a bind mount (one with the option `bind` or
   * `rbind`) it says nothing; `none` is usual.
   */
  type?: string
  /**
   * What to mount: of a bind mount a path on the host, absolute or relative to the bundle; of others a device or any
   * word.
   */
  source?: string
  /**
   * Options as in mount(8): `ro`, `nosuid`, `rbind`, `rprivate`, `rro`, `idmap`. What is not known is passed to the
   * filesystem as its data.
   */
  options?: string[]
  /**
   * How user ids of the source look through this mount (`MOUNT_ATTR_IDMAP`). Only along with {@link gidMappings}.
   */
  uidMappings?: IdMapping[]
  /** How group ids of the source look through this mount. Only along with {@link uidMappings}. */
  gidMappings?: IdMapping[]
}
