import type { BlockIo } from '../../../types/index.ts'
import { ERRNO } from '../constants.ts'
import { type LimitPlan, nonZero } from '../limit-plan.ts'

/** Files of the throttles, by the config's names. */
const THROTTLES = {
  throttleReadBpsDevice: 'blkio.throttle.read_bps_device',
  throttleWriteBpsDevice: 'blkio.throttle.write_bps_device',
  throttleReadIOPSDevice: 'blkio.throttle.read_iops_device',
  throttleWriteIOPSDevice: 'blkio.throttle.write_iops_device',
} as const

/** Limits of the v1 blkio controller. Weights are CFQ's files, or BFQ's where there is no CFQ (Linux 5.0). */
export function blkioV1(out: LimitPlan, dir: string, io: BlockIo): void {
  const weight = (file: string, value: number | string, from: string) => {
    out.write(dir, `blkio.${file}`, value, from, { ignore: [ERRNO.ENOENT] })
    out.write(dir, `blkio.bfq.${file}`, value, from, { orElse: true })
  }
  if (nonZero(io.weight) !== undefined) weight('weight', io.weight!, 'blockIO/weight')
  if (nonZero(io.leafWeight) !== undefined) {
    out.write(dir, 'blkio.leaf_weight', io.leafWeight!, 'blockIO/leafWeight')
  }
  for (const [index, device] of (io.weightDevice ?? []).entries()) {
    const from = `blockIO/weightDevice/${index}`
    const { major, minor } = device
    if (nonZero(device.weight) !== undefined) {
      weight('weight_device', `${major}:${minor} ${device.weight}`, `${from}/weight`)
    }
    if (nonZero(device.leafWeight) !== undefined) {
      const text = `${major}:${minor} ${device.leafWeight}`
      out.write(dir, 'blkio.leaf_weight_device', text, `${from}/leafWeight`)
    }
  }
  for (const [name, file] of Object.entries(THROTTLES)) {
    for (const [index, { major, minor, rate }] of (io[name as keyof typeof THROTTLES] ?? []).entries()) {
      out.write(dir, file, `${major}:${minor} ${rate}`, `blockIO/${name}/${index}`)
    }
  }
}
