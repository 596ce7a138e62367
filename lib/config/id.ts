import { OciError } from '../errors.ts'
import { show } from './problem.ts'

/** Longest container id: it is the name of a directory. */
const MAX_LENGTH = 255

/**
 * Checks a container id: letters, digits, `_`, `+`, `-` and `.`, at most 255 of them, and neither `.` nor `..`. Every
 * operation checks it, since it becomes part of paths.
 *
 * @returns the id
 * @throws OciError `ERR_OCI_ID_INVALID`
 */
export function checkContainerId(id: unknown): string {
  if (typeof id === 'string' && /^[A-Za-z0-9_+.-]+$/.test(id) && id !== '.' && id !== '..') {
    if (id.length <= MAX_LENGTH) return id
    throw new OciError(
      'ERR_OCI_ID_INVALID',
      `container id: expected at most 255 characters, got ${id.length}`,
    )
  }
  throw new OciError(
    'ERR_OCI_ID_INVALID',
    `container id: expected letters, digits, '_', '+', '-' and '.' (but not just '.' or '..'), got ${show(id)}`,
  )
}
