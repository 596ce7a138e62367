import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { probeBinary } from './probe.ts'
import { tempDir } from './temp.ts'

const BUSYBOX = '/bin/busybox'
const DIRECTORIES = [
  'dev',
  'etc',
  'home',
  'lib',
  'mnt',
  'opt',
  'proc',
  'root',
  'run',
  'sys',
  'usr/lib',
  'var',
]
const FILES: Record<string, string> = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n' +
    'user:x:1000:1000::/home/user:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
  'etc/group': 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nextra:x:2000:user\nuser:x:1000:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
}

let applets: string[] | undefined

/** Which applets the host's busybox has, as paths without a leading slash: `usr/bin/awk`. */
function appletPaths(): string[] {
  if (!existsSync(BUSYBOX)) throw new Error('/bin/busybox is missing: install busybox-static')
  applets ??= execFileSync(BUSYBOX, ['--list-full'], { encoding: 'utf8' }).split('\n').filter(Boolean)
  return applets
}

/** Settings of {@link makeRootfs}. */
export interface RootfsOptions {
  /** Where to make it. Default: `rootfs` in a new temporary directory. */
  dir?: string
  /** Whether to put the probe program at `/probe`. Default true. */
  probe?: boolean
}

/**
 * Makes a root filesystem from the host's static busybox: every applet as a symlink, accounts (root,
 * daemon, user 1000, nobody), the usual directories, all empty. Takes some milliseconds, so each
 * container can have its own.
 *
 * @returns its path
 */
export function makeRootfs(options: RootfsOptions = {}): string {
  const root = options.dir ?? join(tempDir(), 'rootfs')
  const paths = appletPaths()
  for (const dir of new Set([...DIRECTORIES, ...paths.map((path) => dirname(path)), 'home/user']))
    mkdirSync(join(root, dir), { recursive: true })
  mkdirSync(join(root, 'tmp'))
  chmodSync(join(root, 'tmp'), 0o1777)
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'), constants.COPYFILE_FICLONE)
  for (const path of paths) if (path !== 'bin/busybox') symlinkSync('/bin/busybox', join(root, path))
  for (const [path, content] of Object.entries(FILES)) writeFileSync(join(root, path), content)
  if (options.probe ?? true) copyFileSync(probeBinary(), join(root, 'probe'), constants.COPYFILE_FICLONE)
  return root
}

/**
 * Makes a bundle in a temporary directory: config.json from the given config, `rootfs` by
 * {@link makeRootfs}.
 *
 * @returns the bundle's path
 */
export function makeBundle(config: unknown, options: Omit<RootfsOptions, 'dir'> = {}): string {
  const bundle = tempDir('oci-ts-bundle-')
  makeRootfs({ ...options, dir: join(bundle, 'rootfs') })
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config, null, 2))
  return bundle
}
