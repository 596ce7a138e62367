/** Steps that steer the program itself: stages, talk with the parent, the end. */
export const FLOW_STEPS = {
  /**
   * Goes on in a new process: `clone(flags | CLONE_PARENT | CLONE_PIDFD)`. The old stage sends the new one's pidfd to
   * the parent (a `stage` message) and exits 0; the steps that follow run in the child. `flags`: CLONE_NEW*.
   */
  fork: { op: 1, fields: { flags: 'u64' } },
  /**
   * Sends a `sync` message carrying `name` (see SYNC in messages.ts) and waits for the parent's `go`. If the parent
   * answers `abort` or goes away, init exits.
   */
  sync: { op: 2, fields: { name: 'u64' } },
  /**
   * Says `created`, waits for the parent's `go` (the state is on disk), closes the parent's socket, then accepts
   * connections on the listening socket in slot `listen`. The message of the first one releases the rest of the plan,
   * or replaces it (`tail`: a memfd with a plan). A wrong message is answered by an error and the wait goes on.
   */
  waitStart: { op: 3, fields: { listen: 'slot' } },
  /**
   * Looks `program` up as execvp(3) does, in the PATH of `env` (default `/bin:/usr/bin`), relative to the working
   * directory: ENOENT or EACCES if there is none. The result is kept for `exec`.
   */
  findProgram: { op: 4, fields: { program: 'str', env: 'strs' } },
  /**
   * Says `exec` to whoever waits, closes every fd but stdio and the slots in `fds` (they become 3, 4, …), resets all
   * signal dispositions and the mask, and executes the program that `findProgram` found (or, without one,
   * `args[0]` as a path). `home`: if the environment has no HOME, takes it from the root's /etc/passwd for this uid
   * (fallback `/`). `pidEnv`: sets LISTEN_PID to the process's own pid.
   */
  exec: {
    op: 5,
    fields: { args: 'strs', env: 'strs', fds: 'u64s?', home: 'bool?', homeUid: 'u64?', pidEnv: 'bool?' },
  },
  /**
   * Runs a program to its end: fork, exec of `path` with `args` and `env`, `stdinHead` + own pid in decimal +
   * `stdinTail` on its standard input (just `stdinHead` if `stdinTail` is absent), its output captured (the last 4 KiB
   * go into the error). Fails with ECHILD and a text if it does not exit 0, with ETIMEDOUT after `timeoutMs` (0:
   * none), when the program is killed.
   */
  hook: {
    op: 6,
    fields: {
      path: 'str',
      args: 'strs',
      env: 'strs',
      stdinHead: 'bytes?',
      stdinTail: 'bytes?',
      timeoutMs: 'u64?',
    },
  },
  /** Sends the fd in `slot` to the parent in an `fd` message that carries `name`. */
  sendFd: { op: 7, fields: { slot: 'slot', name: 'u64' } },
  /** Closes the fd in `slot`. */
  close: { op: 8, fields: { slot: 'slot' } },
  /** Does nothing. For measuring, and as the target of `orElse`. */
  nop: { op: 9, fields: {} },
  /** Fails with `errno` and `text`, always: an `orElse` that explains. */
  fail: { op: 10, fields: { errno: 'u64', text: 'str' } },
  /** Waits for a `go` that the parent sends unasked. If it sends `abort` or goes away, init exits. */
  waitGo: { op: 11, fields: {} },
} as const
