import type { IntelRdt, Linux, MemoryPolicy } from '../../types/index.ts'
import { checkNumberList, checkOneLine, checkPath } from './check-text.ts'
import { invalid, type OnWarning, Wording } from './problem.ts'

/** Names in the resctrl filesystem that are the kernel's own. */
const RESCTRL_NAMES = ['.', '..', 'info', 'mon_groups', 'mon_data']

/** The rules for the parts of `linux` that have no file of their own. */
export function checkLinux(linux: Linux, warn: OnWarning): void {
  if (linux.cgroupsPath !== undefined && linux.cgroupsPath !== '') checkCgroupsPath(linux.cgroupsPath)
  if (linux.intelRdt) checkIntelRdt(linux.intelRdt, warn)
  if (linux.memoryPolicy) checkMemoryPolicy(linux.memoryPolicy)
  if ((linux.personality?.flags?.length ?? 0) > 0) {
    warn({ path: '/linux/personality/flags', message: 'the runtime-spec defines no flags; they are ignored' })
  }
}

function checkCgroupsPath(path: string): void {
  checkPath(path, '/linux/cgroupsPath')
  const components = path.split('/').filter((part) => part !== '' && part !== '.')
  if (components.includes('..')) throw invalid('/linux/cgroupsPath', "a path without '..'", path)
  if (components.length === 0) {
    throw invalid('/linux/cgroupsPath', 'a cgroup below the root of the hierarchy', path)
  }
  checkOneLine(path, '/linux/cgroupsPath')
}

function checkIntelRdt(rdt: IntelRdt, warn: OnWarning): void {
  const at = '/linux/intelRdt'
  const { closID = '', l3CacheSchema } = rdt
  if (closID !== '/' && (/[/\n]/.test(closID) || RESCTRL_NAMES.includes(closID))) {
    throw invalid(`${at}/closID`, "the name of a class of service, or '/'", closID)
  }
  if (l3CacheSchema !== undefined) {
    checkOneLine(l3CacheSchema, `${at}/l3CacheSchema`)
    if (!l3CacheSchema.startsWith('L3:')) {
      warn({ path: `${at}/l3CacheSchema`, message: "does not start with 'L3:'" })
    }
  }
  for (const [index, line] of (rdt.schemata ?? []).entries()) checkOneLine(line, `${at}/schemata/${index}`)
}

/** What set_mempolicy(2) would answer with EINVAL. */
function checkMemoryPolicy({ mode, nodes = '', flags = [] }: MemoryPolicy): void {
  const at = '/linux/memoryPolicy'
  const count = checkNumberList(nodes, `${at}/nodes`, 'memory nodes')
  if (mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL') {
    if (count > 0) throw invalid(`${at}/nodes`, `no nodes with ${mode}`, nodes)
    if (flags.length > 0) throw invalid(`${at}/flags`, `no flags with ${mode}`, flags)
  } else if (mode !== 'MPOL_PREFERRED' && count === 0) {
    throw invalid(`${at}/nodes`, `at least one node with ${mode}`, nodes)
  }
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
    const got = new Wording('both')
    throw invalid(`${at}/flags`, 'MPOL_F_STATIC_NODES or MPOL_F_RELATIVE_NODES', got)
  }
  const balancing = flags.indexOf('MPOL_F_NUMA_BALANCING')
  if (balancing >= 0 && mode !== 'MPOL_BIND' && mode !== 'MPOL_PREFERRED_MANY') {
    throw invalid(
      `${at}/flags/${balancing}`,
      'this flag with MPOL_BIND or MPOL_PREFERRED_MANY',
      flags[balancing],
    )
  }
}
