import type { Rdma } from '../../../types/index.ts'
import { escapePointer, invalidLimit, type LimitPlan } from '../limit-plan.ts'

/** Limits of RDMA devices, on v1 and v2: one write a device; what is not given stays as it is. */
export function rdma(out: LimitPlan, dir: string, limits: Readonly<Record<string, Rdma>>): void {
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(limits)) {
    const from = `rdma/${escapePointer(device)}`
    if (/\s/.test(device) || device === '') {
      throw invalidLimit(from, `expected the name of a device, got ${JSON.stringify(device)}`)
    }
    if (hcaHandles === undefined && hcaObjects === undefined) {
      throw invalidLimit(from, 'expected hcaHandles or hcaObjects, got neither')
    }
    const handles = hcaHandles === undefined ? '' : ` hca_handle=${hcaHandles}`
    const objects = hcaObjects === undefined ? '' : ` hca_object=${hcaObjects}`
    out.write(dir, 'rdma.max', `${device}${handles}${objects}`, from)
  }
}
