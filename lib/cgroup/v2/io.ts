import type { BlockIo } from '../../../types/index.ts'
import { ERRNO } from '../constants.ts'
import { blkioToIoWeight } from '../conversions.ts'
import { equals, type LimitPlan, nonZero } from '../limit-plan.ts'

/** Keys of io.max, by the config's names. */
const THROTTLES = {
  throttleReadBpsDevice: 'rbps',
  throttleWriteBpsDevice: 'wbps',
  throttleReadIOPSDevice: 'riops',
  throttleWriteIOPSDevice: 'wiops',
} as const

/**
 * Limits of the v2 io controller. Weights go to BFQ's file, which takes the config's numbers, or (converted) to
 * io.weight. The kernel takes one device a write.
 */
export function ioV2(out: LimitPlan, dir: string, io: BlockIo): void {
  const weight = (device: string, value: number, from: string) => {
    out.write(dir, 'io.bfq.weight', `${device}${value}`, from, { ignore: [ERRNO.ENOENT] })
    out.write(dir, 'io.weight', `${device}${blkioToIoWeight(value)}`, from, { orElse: true })
  }
  if (nonZero(io.weight) !== undefined) weight('', io.weight!, 'blockIO/weight')
  for (const [index, { major, minor, weight: value }] of (io.weightDevice ?? []).entries()) {
    const from = `blockIO/weightDevice/${index}/weight`
    if (nonZero(value) !== undefined) weight(`${major}:${minor} `, value!, from)
  }
  for (const [name, key] of Object.entries(THROTTLES)) {
    for (const [index, { major, minor, rate }] of (io[name as keyof typeof THROTTLES] ?? []).entries()) {
      const limit = equals(rate, 0) ? 'max' : rate
      out.write(dir, 'io.max', `${major}:${minor} ${key}=${limit}`, `blockIO/${name}/${index}`)
    }
  }
  if (
    nonZero(io.leafWeight) !== undefined ||
    io.weightDevice?.some(({ leafWeight }) => nonZero(leafWeight))
  ) {
    out.warn('blockIO', 'cgroup v2 has no leaf weights: ignored')
  }
}
