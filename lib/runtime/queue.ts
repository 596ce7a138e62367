import { abortError, onAbort, throwIfAborted } from './abort.ts'

const tails = new Map<string, Promise<void>>()

/**
 * Runs `task` after the tasks that were given before it with the same key, in this process. (Between processes the
 * container's lock file does the same.) A task that waits for its turn can be aborted.
 */
export async function inTurn<T>(
  key: string,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  const before = tails.get(key)
  let finish: () => void = () => {}
  const own = new Promise<void>((resolve) => {
    finish = resolve
  })
  const tail = before === undefined ? own : before.then(() => own)
  tails.set(key, tail)
  try {
    if (before !== undefined) await turn(before, signal)
    return await task()
  } finally {
    finish()
    if (tails.get(key) === tail) tails.delete(key)
  }
}

function turn(before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return before
  return new Promise((resolve, reject) => {
    const remove = onAbort(signal, () => reject(abortError(signal)))
    void before.then(() => {
      remove()
      resolve()
    })
  })
}
