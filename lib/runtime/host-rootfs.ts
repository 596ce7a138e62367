import { copyFile, lstat, mkdir, readFile, readlink, realpath, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Files of /etc that programs need and that hold no secrets. */
const FILES = [
  'nsswitch.conf',
  'ld.so.cache',
  'ld.so.conf',
  'localtime',
  'timezone',
  'resolv.conf',
  'hosts',
  'host.conf',
  'gai.conf',
  'services',
  'protocols',
  'os-release',
  'ssl/openssl.cnf',
  'pki/tls/openssl.cnf',
]
/** Directories of /etc, likewise. They are bound. */
const DIRECTORIES = [
  'ld.so.conf.d',
  'alternatives',
  'ssl/certs',
  'ca-certificates',
  'pki/tls/certs',
  'pki/ca-trust/extracted',
  'crypto-policies',
]
/** Account files: their second field may be a password. */
const ACCOUNTS = ['passwd', 'group']
const TOP = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']
const MOUNT_POINTS = ['/proc', '/dev', '/sys', '/usr', '/etc']

/**
 * Makes a root directory out of the host's: empty mount points, symlinks as the host has them, and an allow-list of
 * /etc. Made again in the same place, it is brought up to date.
 *
 * @param mountPoints more directories to make
 * @returns directories of the host to be bound read-only where they are
 */
export async function makeHostRootfs(rootfs: string, mountPoints: readonly string[]): Promise<string[]> {
  const bound = ['/usr']
  for (const path of [...MOUNT_POINTS, ...mountPoints]) await mkdir(join(rootfs, path), { recursive: true })
  for (const name of TOP) {
    const path = `/${name}`
    const stat = await lstat(path).catch(() => null)
    if (stat?.isSymbolicLink()) await link(await readlink(path), join(rootfs, path))
    else if (stat?.isDirectory()) {
      await mkdir(join(rootfs, path), { recursive: true })
      bound.push(path)
    }
  }
  for (const name of ACCOUNTS) await copyAccounts(`/etc/${name}`, join(rootfs, 'etc', name))
  await Promise.all(FILES.map((name) => copy(`/etc/${name}`, rootfs)))
  for (const name of DIRECTORIES) {
    const path = `/etc/${name}`
    const stat = await lstat(path).catch(() => null)
    if (stat === null) continue
    await mkdir(dirname(join(rootfs, path)), { recursive: true })
    if (stat.isSymbolicLink()) await link(await readlink(path), join(rootfs, path))
    else if (stat.isDirectory()) {
      await mkdir(join(rootfs, path), { recursive: true })
      bound.push(path)
    }
  }
  return bound
}

/** Copies a file; a symlink into /usr stays one, since /usr is the same inside. */
async function copy(path: string, rootfs: string): Promise<void> {
  const target = await realpath(path).catch(() => null)
  if (target === null) return
  const to = join(rootfs, path)
  await mkdir(dirname(to), { recursive: true })
  try {
    const stat = await lstat(path)
    if (stat.isSymbolicLink() && target.startsWith('/usr/')) await link(target, to)
    else await copyFile(target, to)
  } catch (error) {
    // Not for everybody's eyes: then not for the container's.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  }
}

async function copyAccounts(path: string, to: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^([^:]*):[^:]*/, '$1:x'))
  await writeFile(to, `${lines.join('\n')}\n`, { mode: 0o644 })
}

async function link(target: string, path: string): Promise<void> {
  await symlink(target, path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST' || (await readlink(path).catch(() => '')) !== target) throw error
  })
}
