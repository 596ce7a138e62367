/**
 * A small sandbox out of nothing but steps: the host's /usr, read-only, in namespaces of its own, without network,
 * capabilities or a way to gain privileges.
 *
 *     node dist/examples/sandbox-from-primitives.js [PROGRAM ARG…]
 */
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CLONE, launch, MOUNT_ATTR, MS, type Plan, SLOT, type Step, SYNC } from 'oci-ts/primitives'

const { NOSUID, NODEV, NOEXEC, RDONLY } = MOUNT_ATTR
const root = SLOT.root

/** Programs look for their libraries in /lib and /lib64, which on most systems are links into /usr. */
function links(): Step[] {
  return ['bin', 'sbin', 'lib', 'lib64'].flatMap((name): Step[] => {
    try {
      return [{ op: 'symlink', dir: root, path: name, target: readlinkSync(`/${name}`), inRoot: true }]
    } catch {
      return []
    }
  })
}

/** @param directory an empty one, to become the root */
function sandbox(directory: string, args: string[]): Plan {
  const env = ['PATH=/usr/bin:/bin', 'HOME=/tmp']
  return [
    // An ordinary user gets the rights to all that follows by a user namespace in which it is root.
    { op: 'unshare', flags: CLONE.NEWUSER },
    { op: 'dumpable', on: true },
    { op: 'sync', name: SYNC.map },
    { op: 'setIds', uid: 0, gid: 0, keepGroups: true },
    { op: 'unshare', flags: CLONE.NEWNS | CLONE.NEWPID | CLONE.NEWNET | CLONE.NEWIPC | CLONE.NEWUTS },
    // Only a child is in the new pid namespace.
    { op: 'fork', flags: 0 },
    { op: 'setsid' },
    { op: 'hostname', name: 'sandbox' },
    { op: 'loopback' },
    { op: 'propagation', path: '/', flags: MS.REC | MS.SLAVE },
    { op: 'keepNull' },
    { op: 'openProc', to: SLOT.proc },
    { op: 'bindRoot', to: root, path: directory },
    {
      op: 'bind',
      root,
      source: '/usr',
      target: '/usr',
      recursive: true,
      recSet: RDONLY | NOSUID | NODEV,
    },
    ...links(),
    { op: 'mountFs', root, target: '/proc', fstype: 'proc', attrs: NOSUID | NODEV | NOEXEC, realDir: true },
    { op: 'mountFs', root, target: '/tmp', fstype: 'tmpfs', data: ['size=64m'], attrs: NOSUID | NODEV },
    { op: 'mountFs', root, target: '/dev', fstype: 'tmpfs', data: ['mode=755'], attrs: NOSUID | NOEXEC },
    { op: 'bindDevice', root, path: '/dev/null', source: '/dev/null', mode: 0o020666, major: 1, minor: 3 },
    { op: 'pivotRoot', root },
    { op: 'maskPath', root, path: '/proc/kcore' },
    { op: 'readonlyPath', root, path: '/proc/sys' },
    { op: 'chdir', path: '/tmp', check: true },
    { op: 'boundingCaps', mask: 0 },
    { op: 'caps', effective: 0, permitted: 0, inheritable: 0, ambient: 0 },
    { op: 'noNewPrivs' },
    { op: 'findProgram', program: args[0]!, env },
    { op: 'exec', args, env },
  ]
}

const args = process.argv.slice(2)
if (args.length === 0)
  args.push('sh', '-c', 'echo "pid $$ on $(uname -n)"; id; ls /; cat /proc/self/status | grep Cap')
const directory = mkdtempSync(join(tmpdir(), 'sandbox-'))
try {
  const uid = process.geteuid!()
  const gid = process.getegid!()
  const child = await launch(sandbox(directory, args), {
    stdio: 'inherit',
    idMaps: {
      uid: [{ containerID: 0, hostID: uid, size: 1 }],
      gid: [{ containerID: 0, hostID: gid, size: 1 }],
      denySetgroups: true,
    },
  })
  const { exitCode, signal } = await child.wait()
  process.exitCode = exitCode ?? 1
  if (signal !== null) console.error(`ended by ${signal}`)
} finally {
  // Nothing is mounted on it here: its mounts were in the sandbox's own namespace.
  rmSync(directory, { recursive: true })
}
