import type { NamespaceType } from '../../types/index.ts'
import { checkSysctl, sysctlPath } from '../config/check-sysctl.ts'
import { child } from '../config/pointer.ts'
import { type CreateContext, cleanPath, invalid } from './context.ts'
import { SLOT } from './slots.ts'
import type { Step } from './steps.ts'

/** Kernel parameters, then read-only paths, then masked ones: a mask may lie on what was made read-only. */
export function securitySteps(ctx: CreateContext): Step[] {
  return [...sysctlSteps(ctx), ...pathSteps(ctx)]
}

function pathSteps({ linux, mountNs }: CreateContext): Step[] {
  const { readonlyPaths = [], maskedPaths = [] } = linux
  if (!mountNs && readonlyPaths.length + maskedPaths.length > 0) {
    throw invalid(
      readonlyPaths.length > 0 ? '/linux/readonlyPaths' : '/linux/maskedPaths',
      'Read-only and masked paths need a mount namespace',
    )
  }
  return [
    ...protect('readonlyPath', readonlyPaths, '/linux/readonlyPaths'),
    ...protect('maskPath', maskedPaths, '/linux/maskedPaths').map((step) => ({
      ...step,
      label: linux.mountLabel,
    })),
  ]
}

function protect(op: 'readonlyPath' | 'maskPath', paths: readonly string[], from: string): Step[] {
  const seen = new Set<string>()
  const steps: Step[] = []
  for (const [index, given] of paths.entries()) {
    const path = cleanPath(given)
    if (seen.has(path)) continue
    seen.add(path)
    steps.push({ op, root: SLOT.root, path, from: `${from}/${index}` })
  }
  return steps
}

/** Only of namespaces that are the container's own: all others would be the host's. */
function sysctlSteps({ linux, namespaces }: CreateContext): Step[] {
  const { sysctl } = linux
  if (!sysctl) return []
  // Once more than when the config was read: a path may have led to the caller's own namespace.
  checkSysctl(sysctl, new Map(Object.keys(namespaces.from).map((type) => [type as NamespaceType, ''])))
  return Object.entries(sysctl).map(([name, value]) => ({
    op: 'sysctl',
    proc: SLOT.proc,
    key: sysctlPath(name)?.join('/') ?? name,
    value,
    from: child('/linux/sysctl', name),
  }))
}
