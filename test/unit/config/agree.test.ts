import { expect, it } from 'vitest'
import { RLIMITS } from '../../../lib/config/check-process.ts'
import { MOUNT_OPTIONS } from '../../../lib/config/mount-options.ts'
import * as planned from '../../../lib/plan/mount-options.ts'
import * as plannedRlimits from '../../../lib/plan/rlimits.ts'

// The checks know names only, the planners what they come to. A name that one of them lacks would be refused, or would
// silently be taken for something else.

it('checks and planners know the same mount options', () => {
  expect([...planned.MOUNT_OPTIONS, 'idmap', 'ridmap'].sort()).toEqual(MOUNT_OPTIONS)
})

it('checks and planners know the same limits', () => {
  expect([...plannedRlimits.RLIMITS].sort()).toEqual(RLIMITS)
})
