import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { parseJson } from '../../../lib/config/json.ts'
import { spec } from '../../../lib/config/spec.ts'
import { MAP_PROPERTIES, validateConfig } from '../../../types/generated/validate.ts'
import {
  validateContainerProcessState,
  validateFeatures,
  validateState,
} from '../../../types/generated/validate-reports.ts'

interface Schema {
  description?: string
  properties?: Record<string, Schema>
  definitions?: Record<string, Schema>
  minimum?: number | bigint
  maximum?: number | bigint
}

const generated = new URL('../../../types/generated/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, generated), 'utf8')

describe('the generated schemas', () => {
  test.each(['config', 'state', 'process-state', 'features'])(
    '%s: every type and property is described',
    (name) => {
      const schema = parseJson(read(`${name}.schema.json`)) as Schema
      const types = Object.entries({ [name]: schema, ...schema.definitions })
      expect(Object.keys(schema.properties ?? {}).length).toBeGreaterThan(3)
      for (const [type, { description, properties = {} }] of types) {
        expect(description, type).toMatch(/\w{3}/)
        for (const [key, property] of Object.entries(properties)) {
          expect(property.description, `${type}.${key}`).toMatch(/\w{3}/)
          expect(property.description, `${type}.${key}`).not.toContain('{@')
        }
      }
    },
  )

  it('write 64-bit bounds in full', () => {
    const { definitions } = parseJson(read('config.schema.json')) as Schema
    expect(definitions?.Int64).toMatchObject({ minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n })
    expect(definitions?.Uint64).toMatchObject({ minimum: 0, maximum: 2n ** 64n - 1n })
  })

  it('have every property of runtime-spec 1.3.0', () => {
    const { properties, definitions = {} } = parseJson(read('config.schema.json')) as Schema
    const keys = (type: string): string =>
      Object.keys(definitions[type]?.properties ?? {})
        .sort()
        .join(' ')
    expect(
      Object.keys(properties ?? {})
        .sort()
        .join(' '),
    ).toBe(
      'annotations domainname freebsd hooks hostname linux mounts ociVersion process root solaris vm windows zos',
    )
    expect(keys('Process')).toBe(
      'apparmorProfile args capabilities commandLine consoleSize cwd env execCPUAffinity ioPriority noNewPrivileges ' +
        'oomScoreAdj rlimits scheduler selinuxLabel terminal user',
    )
    expect(keys('Linux')).toBe(
      'cgroupsPath devices gidMappings intelRdt maskedPaths memoryPolicy mountLabel namespaces netDevices personality ' +
        'readonlyPaths resources rootfsPropagation seccomp sysctl timeOffsets uidMappings',
    )
    expect(keys('Resources')).toBe('blockIO cpu devices hugepageLimits memory network pids rdma unified')
    expect(keys('Memory')).toBe(
      'checkBeforeUpdate disableOOMKiller kernel kernelTCP limit reservation swap swappiness useHierarchy',
    )
    expect(keys('Seccomp')).toBe(
      'architectures defaultAction defaultErrnoRet flags listenerMetadata listenerPath syscalls',
    )
  })
})

describe('the generated validator', () => {
  it('imports nothing', () => {
    for (const name of ['validate.ts', 'validate-reports.ts']) {
      expect(read(name)).not.toMatch(/\brequire\s*\(|^\s*import\b|\bfrom\s+['"]/m)
    }
  })

  it('accepts a bigint only where 64 bits belong', () => {
    const config = spec()
    config.process!.rlimits![0]!.hard = 2n ** 64n - 1n
    config.linux!.resources!.memory = { limit: -(2n ** 63n), swap: 5n }
    expect(validateConfig(config)).toBe(true)
    config.linux!.resources!.memory.limit = -(2n ** 63n) - 1n
    expect(validateConfig(config)).toBe(false)
    expect(validateConfig.errors?.[0]).toMatchObject({
      keyword: 'int64',
      instancePath: '/linux/resources/memory/limit',
    })
    config.linux!.resources!.memory = {}
    Object.assign(config.process!.user!, { uid: 5n })
    expect(validateConfig(config)).toBe(false)
    expect(validateConfig.errors?.[0]).toMatchObject({ keyword: 'type', instancePath: '/process/user/uid' })
  })

  it('knows which properties are maps', () => {
    expect([...MAP_PROPERTIES]).toEqual(['annotations', 'netDevices', 'rdma', 'sysctl', 'unified'])
  })

  it('judges states and features', () => {
    const state = { ociVersion: '1.3.0', id: 'a', status: 'running', pid: 5, bundle: '/b', more: 1 }
    expect(validateState(state)).toBe(true)
    expect(validateState({ ...state, status: 'gone' })).toBe(false)
    expect(validateState({ ...state, pid: -1 })).toBe(false)
    expect(validateState({ ...state, bundle: undefined })).toBe(false)
    expect(validateContainerProcessState({ ociVersion: '1.3.0', fds: ['seccompFd'], pid: 5, state })).toBe(
      true,
    )
    expect(validateContainerProcessState({ ociVersion: '1.3.0', pid: 5, state: {} })).toBe(false)
    expect(
      validateFeatures({ ociVersionMin: '1.0.0', ociVersionMax: '1.3.0', linux: null, hooks: null }),
    ).toBe(true)
    expect(validateFeatures({ ociVersionMin: '1.0.0' })).toBe(false)
  })
})
