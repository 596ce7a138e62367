import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { slowness } from './test/harness/checkout.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/**
 * Which test files there are to choose from (arguments of vitest narrow them further), by the
 * environment variable OCI_TS_TEST_SUBSET:
 *   unit  needs no root
 *   vm    every cgroup and mount topic, small enough for an emulated machine in CI
 */
const SUBSETS: Record<string, string[]> = {
  all: ['test/**/*.test.ts'],
  unit: ['test/unit/**/*.test.ts'],
  vm: ['test/integration/**/*{cgroup,mount,rootfs,device,lifecycle,update,stats}*.test.ts'],
}

const subset = process.env.OCI_TS_TEST_SUBSET || 'all'
const include = SUBSETS[subset]
if (!include)
  throw new Error(`OCI_TS_TEST_SUBSET: ${subset} is not one of ${Object.keys(SUBSETS).join(', ')}`)

export default defineConfig({
  resolve: {
    alias: [
      { find: /^oci-ts$/, replacement: path('lib/index.ts') },
      { find: /^oci-ts\/primitives$/, replacement: path('lib/primitives.ts') },
    ],
  },
  test: {
    include,
    // A test file gets a process of its own: the addon's state, open files and threads are then its own.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['test/harness/prerequisites.ts'],
    setupFiles: ['test/harness/setup.ts'],
    expect: { poll: { timeout: 5000 * slowness } },
    testTimeout: 20_000 * slowness,
    hookTimeout: 60_000 * slowness,
    teardownTimeout: 10_000 * slowness,
  },
})
