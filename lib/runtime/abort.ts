import { OciError } from '../errors.ts'

/** The error of an operation that its caller's signal ended. */
export function abortError(signal: AbortSignal, containerId?: string): OciError {
  return new OciError('ERR_OCI_ABORTED', 'the operation was aborted', { cause: signal.reason, containerId })
}

/** Throws if the signal has been given. */
export function throwIfAborted(signal: AbortSignal | undefined, containerId?: string): void {
  if (signal?.aborted) throw abortError(signal, containerId)
}

/** Calls `action` once when the signal is given. Returns what takes that back. */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal === undefined) return () => {}
  signal.addEventListener('abort', action, { once: true })
  return () => signal.removeEventListener('abort', action)
}

/**
 * The promise, or the abort error as soon as the signal is given. What the promise stands for goes on; its later
 * failure is swallowed.
 */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  containerId?: string,
): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(abortError(signal, containerId))
  }
  return new Promise((resolve, reject) => {
    const remove = onAbort(signal, () => reject(abortError(signal, containerId)))
    promise.then(
      (value) => {
        remove()
        resolve(value)
      },
      (error: unknown) => {
        remove()
        reject(error)
      },
    )
  })
}
