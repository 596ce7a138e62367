import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checkContainerId } from '../config/id.ts'
import { OciError } from '../errors.ts'
import { type ContainerRecord, decodeRecord } from './record.ts'

/** Names in a container's state directory. */
export const STATE_FILE = 'state.json'
/** A new STATE_FILE that is not in force yet. */
export const NEXT_STATE_FILE = 'state.json.next'
export const START_SOCKET = 'start.sock'
export const LOCK_FILE = 'lock'
/** Directory of the socket for sd_notify(3), which is bound into the container. */
export const NOTIFY_DIR = 'notify'
/** Says that what is in the cgroup is the container's. */
export const OWNED_FILE = 'owned'

/** Most bytes of a state.json that is read. */
const MAX_STATE = 64 * 1024 * 1024

/** Where containers' state directories are unless `root` says otherwise. */
export function defaultRoot(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const uid = process.geteuid?.() ?? 0
  if (uid === 0) return '/run/oci-ts'
  const runtimeDir = env.XDG_RUNTIME_DIR
  if (runtimeDir?.startsWith('/')) return join(runtimeDir, 'oci-ts')
  return `/run/user/${uid}/oci-ts`
}

/**
 * The absolute path of the directory that holds the containers' state directories.
 *
 * @throws `ERR_OCI_OPTION_INVALID` for what is no path, and for `/`
 */
export function stateRoot(root: string | undefined): string {
  if (root === undefined) return defaultRoot()
  if (typeof root !== 'string' || root === '' || root.includes('\0') || resolve(root) === '/') {
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      `root: expected a directory below /, got ${JSON.stringify(root)}`,
    )
  }
  return resolve(root)
}

/** The state directory of a container. */
export function stateDir(root: string, id: string): string {
  return join(root, checkContainerId(id))
}

/**
 * Reads what is known of a container.
 *
 * @returns null if its state directory has no state.json: it is being made or removed, or whoever did so has died
 * @throws `ERR_OCI_NOT_FOUND`, `ERR_OCI_STATE` if state.json is damaged or could have been written by somebody else
 */
export async function readRecord(root: string, id: string): Promise<ContainerRecord | null> {
  const directory = stateDir(root, id)
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  try {
    await using file = await open(join(directory, STATE_FILE), flags)
    const { uid, mode, size } = await file.stat()
    const own = process.geteuid?.() ?? 0
    if (
      (uid !== own && uid !== 0) ||
      (mode & 0o22) !== 0 ||
      (mode & constants.S_IFMT) !== constants.S_IFREG
    ) {
      throw new OciError('ERR_OCI_STATE', `${join(directory, STATE_FILE)} can be written by others`, {
        containerId: id,
      })
    }
    if (size > MAX_STATE) throw new OciError('ERR_OCI_STATE', 'state.json is too large', { containerId: id })
    return decodeRecord(await file.readFile('utf8'), id)
  } catch (error) {
    if (error instanceof OciError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && (await exists(directory))) return null
    if (code === 'ENOENT' || code === 'ENOTDIR') throw notFound(id)
    throw new OciError('ERR_OCI_STATE', `the state of container ${id} can’t be read`, {
      containerId: id,
      cause: error,
    })
  }
}

/** The ids of all containers, in the order of their names. */
export async function listIds(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && isId(entry.name))
      .map((entry) => entry.name)
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new OciError('ERR_OCI_STATE', `containers in ${root} can’t be listed`, { cause: error })
  }
}

/** The error for a container that does not exist. */
export function notFound(id: string): OciError {
  return new OciError('ERR_OCI_NOT_FOUND', `container ${id} does not exist`, { containerId: id })
}

function isId(name: string): boolean {
  try {
    return checkContainerId(name) === name && !name.startsWith('.')
  } catch {
    return false
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
