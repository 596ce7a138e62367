import { Bundle, type Config, spec } from 'oci-ts'
import { expect, test } from 'vitest'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { planContainer } from '../../../lib/runtime/create-plan.ts'
import { checkCreateOptions } from '../../../lib/runtime/options.ts'
import { tempDir } from '../../harness/temp.ts'

const hook = { path: '/bin/true', args: ['true', 'x'], env: ['A=b'], timeout: 3 }
const CONFIGS: [name: string, change: (config: Config) => void][] = [
  ['the default', () => {}],
  [
    'a user namespace',
    (config) => {
      config.linux!.namespaces!.push({ type: 'user' })
      config.linux!.uidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
      config.linux!.gidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
    },
  ],
  ['a cgroup namespace', (config) => config.linux!.namespaces!.push({ type: 'cgroup' })],
  ['a cgroupsPath', (config) => Object.assign(config.linux!, { cgroupsPath: '/some/where' })],
  [
    'hooks',
    (config) => {
      config.hooks = {
        createRuntime: [hook],
        createContainer: [hook],
        startContainer: [hook],
        poststop: [hook],
      }
    },
  ],
  [
    'limits',
    (config) => {
      config.linux!.resources = { ...config.linux!.resources, memory: { limit: 1 << 26 }, pids: { limit: 9 } }
    },
  ],
  ['a label of the host name', (config) => Object.assign(config, { hostname: 'proc' })],
]

// Ids that also are parts of paths in the plan.
const IDS = ['first', 'second', 'proc', 'cgroup', 'a+b.c_d-e', 'x'.repeat(200)]

test.each(CONFIGS)(
  'with %s a plan from the template is the plan that would be compiled',
  async (_, change) => {
    const config = spec()
    change(config)
    const bundle = await Bundle.create(tempDir(), config)
    for (const id of IDS) {
      const filled = await planContainer(id, checkCreateOptions({ bundle }))
      const compiled = await planContainer(id, checkCreateOptions({ bundle: bundle.dir }))
      const { encodable, ...launch } = filled
      expect(launch).toEqual(compiled)
      const bytes = encodePlan(compiled.init)
      expect(Buffer.compare(encodePlan(launch.init), bytes)).toBe(0)
      if (encodable !== undefined) expect(Buffer.compare(encodePlan(encodable), bytes)).toBe(0)
    }
  },
)

test('from the second container on there is a template, until the config or the options change', async () => {
  const bundle = await Bundle.create(tempDir(), spec())
  const plan = (options = {}) => planContainer('x', checkCreateOptions({ bundle, ...options }))
  expect((await plan()).encodable).toBeUndefined()
  expect((await plan()).encodable).toBeDefined()
  expect((await plan({ noPivot: true })).encodable).toBeUndefined()
  expect((await plan()).encodable).toBeDefined()
  bundle.config.hostname = 'other'
  const changed = await plan()
  expect(changed.encodable).toBeUndefined()
  expect(changed.init).toContainEqual(expect.objectContaining({ op: 'hostname', name: 'other' }))
})
