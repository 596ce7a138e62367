import type { Config } from '../../types/index.ts'
import { checkDevices, checkNetDevices } from './check-devices.ts'
import { checkHooks } from './check-hooks.ts'
import { checkLinux } from './check-linux.ts'
import { checkMounts } from './check-mounts.ts'
import { checkNamespaces, checkOwnNamespaces } from './check-namespaces.ts'
import { checkProcess } from './check-process.ts'
import { checkResources } from './check-resources.ts'
import { checkSeccomp } from './check-seccomp.ts'
import { checkSysctl } from './check-sysctl.ts'
import { checkPath } from './check-text.ts'
import { invalid, type OnWarning } from './problem.ts'

/** SemVer 2.0.0, with the major version as its first group. */
const SEMVER =
  /^(0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/**
 * The rules of the runtime-spec and of the kernel that the shape of a config does not tell. They look at nothing but the
 * config: what depends on the host is checked when the container is planned.
 *
 * @throws OciError `ERR_OCI_CONFIG_INVALID` for the first rule that is broken
 */
export function checkConfig(config: Config, warn: OnWarning): void {
  checkVersion(config.ociVersion, warn)
  if (config.process) checkProcess(config.process, '/process')
  checkPath(config.root.path, '/root/path', 'the path of a directory')
  if (config.annotations && Object.hasOwn(config.annotations, '')) {
    throw invalid('/annotations/', 'a name for each annotation', '')
  }
  if (config.hooks) checkHooks(config.hooks)
  const { linux } = config
  const namespaces = checkNamespaces(linux)
  checkOwnNamespaces(config, namespaces, warn)
  checkMounts(config, warn)
  if (!linux) return
  checkLinux(linux, warn)
  if (linux.sysctl) checkSysctl(linux.sysctl, namespaces)
  if (linux.resources) checkResources(linux.resources, '/linux/resources', { warn })
  if (linux.devices) checkDevices(linux.devices, warn)
  if (linux.netDevices) checkNetDevices(linux.netDevices)
  if (linux.seccomp) checkSeccomp(linux.seccomp, '/linux/seccomp')
}

function checkVersion(version: string, warn: OnWarning): void {
  const major = SEMVER.exec(version)?.[1]
  if (major === undefined) throw invalid('/ociVersion', 'a version like 1.3.0 (SemVer 2.0.0)', version)
  if (major === '0') {
    warn({ path: '/ociVersion', message: `${version} is older than the first release of the runtime-spec` })
  } else if (major !== '1') {
    throw invalid('/ociVersion', 'a version 1 of the runtime-spec', version)
  }
}
