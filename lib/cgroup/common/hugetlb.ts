import type { HugepageLimit } from '../../../types/index.ts'
import { ERRNO } from '../constants.ts'
import { invalidLimit, type LimitPlan, unsupportedLimit } from '../limit-plan.ts'

/**
 * Limits of huge pages: of those in use, and (Linux 5.7) of those reserved.
 *
 * @param suffix `limit_in_bytes` on v1, `max` on v2
 * @param sizes the kernel's page sizes (see `hugePageSize`), if they are known
 */
export function hugetlb(
  out: LimitPlan,
  dir: string,
  limits: readonly HugepageLimit[],
  suffix: 'limit_in_bytes' | 'max',
  sizes?: readonly string[],
): void {
  for (const [index, { pageSize, limit }] of limits.entries()) {
    const from = `hugepageLimits/${index}/pageSize`
    // It becomes part of a file name.
    if (!/^[1-9][0-9]*[KMG]B$/.test(pageSize)) {
      throw invalidLimit(from, `expected a size like 2MB, got ${JSON.stringify(pageSize)}`)
    }
    if (sizes !== undefined && !sizes.includes(pageSize)) {
      const known = sizes.length > 0 ? sizes.join(', ') : 'none'
      throw unsupportedLimit(from, `this kernel has no huge pages of ${pageSize}`, `it has: ${known}`)
    }
    const at = `hugepageLimits/${index}/limit`
    out.write(dir, `hugetlb.${pageSize}.${suffix}`, limit, at)
    out.write(dir, `hugetlb.${pageSize}.rsvd.${suffix}`, limit, at, { ignore: [ERRNO.ENOENT] })
  }
}

/** A name in /sys/kernel/mm/hugepages (`hugepages-2048kB`) as cgroups write the size (`2MB`); null for others. */
export function hugePageSize(name: string): string | null {
  const kilobytes = Number(/^hugepages-([1-9][0-9]*)kB$/.exec(name)?.[1] ?? 0)
  if (kilobytes === 0) return null
  if (kilobytes >= 1 << 20) return `${Math.floor(kilobytes / (1 << 20))}GB`
  return kilobytes >= 1 << 10 ? `${Math.floor(kilobytes / (1 << 10))}MB` : `${kilobytes}KB`
}
