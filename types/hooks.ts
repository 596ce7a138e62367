/**
 * A program that is run at a certain point of a container's life. It gets the container's state as JSON on stdin.
 */
export interface Hook {
  /** Absolute path of the program (execv(3)). */
  path: string
  /** Its argument vector, `argv[0]` first. Without it, the path alone. */
  args?: string[]
  /** Its whole environment, as `NAME=value`. Without it, an empty one. */
  env?: string[]
  /**
   * Seconds after which the program is killed and counts as failed. Without it, there is no limit.
   *
   * @asType integer
   * @minimum 1
   * @maximum 2147483647
   */
  timeout?: number
}

/**
 * The programs to run at each point of a container's life. Those of one list run one after another, in order.
 */
export interface Hooks {
  /**
   * During create, after the namespaces are made and before the root is pivoted; in the runtime's namespaces, before
   * {@link createRuntime}.
   *
   * @deprecated since runtime-spec 1.0.2; use createRuntime, createContainer or startContainer
   */
  prestart?: Hook[]
  /** During create, after the namespaces are made and before the root is pivoted; in the runtime's namespaces. */
  createRuntime?: Hook[]
  /**
   * During create, after createRuntime and before the root is pivoted; in the container's namespaces. The path counts
   * in the runtime's.
   */
  createContainer?: Hook[]
  /**
   * During start, before the container's program is executed; in the container's namespaces, where the path counts
   * too.
   */
  startContainer?: Hook[]
  /** During start, after the container's program was executed; in the runtime's namespaces. */
  poststart?: Hook[]
  /**
   * During delete, after the container was deleted; in the runtime's namespaces. A failure is a warning, and the rest of
   * the list still runs.
   */
  poststop?: Hook[]
}
