import type { Config, Mount } from '../../types/index.ts'
import { checkIdMappings } from './check-ids.ts'
import { byteLength, checkPath } from './check-text.ts'
import { isBindMount, isMountOption } from './mount-options.ts'
import { invalid, type OnWarning, Wording } from './problem.ts'
import { suggest } from './suggest.ts'

/** Room for a filesystem's options in mount(2): a page, with the terminating NUL. */
const LONGEST_DATA = 4095

/** The rules for `mounts` (config.md, Mounts). */
export function checkMounts(config: Config, warn: OnWarning): void {
  for (const [index, mount] of (config.mounts ?? []).entries()) {
    checkMount(mount, `/mounts/${index}`, config, warn)
  }
}

function checkMount(mount: Mount, at: string, config: Config, warn: OnWarning): void {
  checkPath(mount.destination, `${at}/destination`, 'a path inside the container')
  if (!mount.destination.startsWith('/')) {
    warn({ path: `${at}/destination`, message: 'relative destinations are deprecated; it is taken from /' })
  }
  if (mount.source !== undefined && mount.source !== '') checkPath(mount.source, `${at}/source`)
  if (isBindMount(mount)) checkBindMount(mount, at)
  else if (mount.type === 'bind' || mount.type === 'rbind') {
    throw invalid(`${at}/options`, "the option 'bind' or 'rbind' for a bind mount", mount.options)
  }
  const data = (mount.options ?? []).filter((option) => !isMountOption(option)).join(',')
  if (byteLength(data) > LONGEST_DATA) {
    const got = new Wording(`${byteLength(data)} bytes`)
    throw invalid(`${at}/options`, `at most ${LONGEST_DATA} bytes of options for the filesystem`, got)
  }
  if (mount.options?.includes('tmpcopyup') && mount.type !== 'tmpfs') {
    warn({ path: `${at}/options`, message: "'tmpcopyup' means nothing but for a tmpfs; it is ignored" })
  }
  checkMountMappings(mount, at, config)
}

function checkBindMount(mount: Mount, at: string): void {
  if (mount.source === undefined || mount.source === '') {
    throw invalid(`${at}/source`, 'the path to bind', mount.source)
  }
  for (const [index, option] of (mount.options ?? []).entries()) {
    if (option === '' || isMountOption(option)) continue
    // The kernel would ignore it, or (at a remount) apply it to the host's filesystem.
    const meant = suggest(option, [
      'bind',
      'rbind',
      'ro',
      'rw',
      'nosuid',
      'nodev',
      'noexec',
      'rprivate',
      'rslave',
    ])
    const comma = option.includes(',') ? 'Give each option as an entry of its own.' : undefined
    const hint = comma ?? (meant && `Did you mean ${meant}?`)
    throw invalid(`${at}/options/${index}`, 'no options of the filesystem on a bind mount', option, hint)
  }
}

function checkMountMappings(mount: Mount, at: string, config: Config): void {
  const { uidMappings, gidMappings } = mount
  const counts = { uidMappings: uidMappings?.length ?? 0, gidMappings: gidMappings?.length ?? 0 }
  if (counts.uidMappings > 0 && counts.gidMappings === 0) {
    throw invalid(`${at}/gidMappings`, 'mappings along with uidMappings', gidMappings)
  }
  if (counts.gidMappings > 0 && counts.uidMappings === 0) {
    throw invalid(`${at}/uidMappings`, 'mappings along with gidMappings', uidMappings)
  }
  if (uidMappings) checkIdMappings(uidMappings, `${at}/uidMappings`)
  if (gidMappings) checkIdMappings(gidMappings, `${at}/gidMappings`)
  const index = mount.options?.findIndex((option) => option === 'idmap' || option === 'ridmap') ?? -1
  const hasUserNamespace = config.linux?.namespaces?.some(({ type }) => type === 'user') ?? false
  if (index >= 0 && counts.uidMappings === 0 && !hasUserNamespace) {
    throw invalid(
      `${at}/options/${index}`,
      'uidMappings and gidMappings, or a user namespace, with an id-mapped mount',
      new Wording('neither'),
    )
  }
}
