import { posix } from 'node:path'
import { OciError } from '../errors.ts'
import type { CgroupLayout, CgroupLocation } from './types.ts'

const POINTER = '/linux/cgroupsPath'

/** The cgroup of a container that shall have none (`cgroupManager: 'disabled'`). */
export const DISABLED_LOCATION: CgroupLocation = { mode: 'disabled', v1: [], v2: null }

/**
 * Where a container's cgroup is, as runc has it.
 *
 * An absolute path counts from where the hierarchies are mounted. A relative one, and without a path the id, count from
 * the caller's own cgroup on v1, and on v2 from the parent of that (a cgroup with processes can't hand controllers on).
 * `.` and `..` are resolved by name alone, and nothing leads above the start.
 *
 * @param id the container's, a single path component
 * @param cgroupsPath the config's; undefined or empty: none
 * @throws OciError for a path that is nothing but a hierarchy's root, that names a systemd unit, or that no directory
 *   can have
 */
export function locateCgroup(layout: CgroupLayout, id: string, cgroupsPath?: string): CgroupLocation {
  const given = cgroupsPath || undefined
  if (given !== undefined) check(given)
  const absolute = given?.startsWith('/') ?? false
  const inner = posix.normalize(`/${given ?? id}`).replace(/\/$/, '')
  if (inner === '') {
    throw new OciError(
      'ERR_OCI_CONFIG_INVALID',
      `cgroupsPath: expected a path below the root of the hierarchies, got ${JSON.stringify(given ?? id)}`,
      { path: POINTER },
    )
  }
  const place = (mountpoint: string, base: string) => posix.join(mountpoint, absolute ? '/' : base, inner)
  return {
    mode: layout.mode,
    v1: layout.v1.map(({ controllers, name, mountpoint, own }) => ({
      controllers,
      ...(name === undefined ? {} : { name }),
      dir: place(mountpoint, own),
      mountpoint,
    })),
    v2: layout.v2 && {
      dir: place(layout.v2.mountpoint, posix.dirname(layout.v2.own)),
      mountpoint: layout.v2.mountpoint,
    },
  }
}

function check(path: string): void {
  if (/^[^/:]*:[^/:]*:[^/:]*$/.test(path)) {
    throw new OciError(
      'ERR_OCI_CONFIG_INVALID',
      `cgroupsPath: expected a path, got the systemd form "${path}"`,
      {
        path: POINTER,
        hint: 'slice:prefix:name is for the systemd cgroup manager: choose that, or give a path of directories',
      },
    )
  }
  if (/[\0\n]/.test(path)) {
    throw new OciError(
      'ERR_OCI_CONFIG_INVALID',
      `cgroupsPath: expected a path without NUL and newline, got ${JSON.stringify(path)}`,
      { path: POINTER },
    )
  }
}

/**
 * Where the process is that /proc/PID/cgroup tells of: a way into a running container whose own cgroup is closed to
 * processes, since it has handed controllers on.
 */
export function locateProcess(location: CgroupLocation, layout: CgroupLayout, text: string): CgroupLocation {
  const v2Path = /^0::(\/.*)$/m.exec(text)?.[1]
  const inTree = (mountpoint: string, path: string | undefined, fallback: string) => {
    const dir = path === undefined ? fallback : posix.join(mountpoint, posix.normalize(path))
    return dir === fallback || dir.startsWith(`${fallback}/`) ? dir : fallback
  }
  return {
    ...location,
    v2:
      location.v2 && layout.v2
        ? { ...location.v2, dir: inTree(location.v2.mountpoint, v2Path, location.v2.dir) }
        : location.v2,
  }
}

/**
 * The cgroup below a container's that `exec --cgroup` asks for: `PATH` for all hierarchies, or on v1 any number of
 * `CONTROLLER[,CONTROLLER]:PATH`.
 *
 * @throws ERR_OCI_OPTION_INVALID for `..`, an unknown controller, a controller named twice, or the v1 form on v2
 */
export function subCgroup(location: CgroupLocation, specs: readonly string[]): CgroupLocation {
  const byController = new Map<string, string>()
  for (const spec of specs) {
    const colon = spec.indexOf(':')
    const path = posix.normalize(`/${spec.slice(colon + 1)}`).replace(/\/$/, '')
    if (
      spec.includes('\0') ||
      spec
        .slice(colon + 1)
        .split('/')
        .includes('..')
    ) {
      throw invalid(spec, 'a path below the container’s cgroup, without ".."')
    }
    for (const controller of colon < 0 ? [''] : spec.slice(0, colon).split(',')) {
      if (byController.has(controller)) throw invalid(spec, 'each controller once')
      byController.set(controller, path)
    }
  }
  const everywhere = byController.get('')
  if (everywhere !== undefined && byController.size > 1) throw invalid(specs.join(' '), 'one form, not both')
  const names = location.v1.flatMap(({ controllers, name }) => (name ? [name, `name=${name}`] : controllers))
  for (const controller of byController.keys()) {
    if (controller !== '' && !names.includes(controller)) {
      throw invalid(
        controller,
        location.v1.length > 0 ? `one of ${names.join(', ')}` : 'a path alone (cgroup v2)',
      )
    }
  }
  return {
    ...location,
    v1: location.v1.map((entry) => {
      const keys = entry.name ? [entry.name, `name=${entry.name}`] : entry.controllers
      const path = everywhere ?? keys.map((key) => byController.get(key)).find((found) => found !== undefined)
      return path === undefined ? entry : { ...entry, dir: entry.dir + path }
    }),
    v2:
      location.v2 &&
      (everywhere === undefined ? location.v2 : { ...location.v2, dir: location.v2.dir + everywhere }),
  }
}

function invalid(got: string, expected: string): OciError {
  return new OciError('ERR_OCI_OPTION_INVALID', `cgroup: expected ${expected}, got ${JSON.stringify(got)}`)
}
