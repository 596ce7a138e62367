import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the source tree. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** True where a missing prerequisite must fail a test and not skip it. */
export const inCi = Boolean(process.env.CI)

/** How many times slower than usual this machine is: 1 normally, 20 under emulation. Multiplies timeouts. */
export const slowness = Math.max(1, Number(process.env.OCI_TS_TEST_SLOW ?? 1) || 1)
