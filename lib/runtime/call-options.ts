/** Options of calls that only can be given up. */
export interface SignalOptions {
  /** Gives the call up. */
  signal?: AbortSignal | undefined
}

/** Options of calls that find containers. */
export interface RootOptions {
  /** Directory of the containers' state (default /run/oci-ts; not as root: $XDG_RUNTIME_DIR/oci-ts). */
  root?: string | undefined
  /** Gives the call up. */
  signal?: AbortSignal | undefined
}

/** Options of `Container.kill`. */
export interface KillOptions {
  /** Send the signal to every process of the container. */
  all?: boolean | undefined
  /** Gives the call up. */
  signal?: AbortSignal | undefined
}

/** Options of `Container.delete`. */
export interface DeleteOptions {
  /** Kill the container if it runs. A container that does not exist (any more) is no error. */
  force?: boolean | undefined
  /** Gives the call up before it has begun to remove anything. */
  signal?: AbortSignal | undefined
}
