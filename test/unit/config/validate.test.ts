import { describe, expect, it, test } from 'vitest'
import { formatJson } from '../../../lib/config/format.ts'
import { parseConfig, validateConfig, validateProcess, validateResources } from '../../../lib/config/load.ts'
import { OciError, type OciErrorCode } from '../../../lib/errors.ts'
import { BAD_DEVICES } from './bad-devices.ts'
import { BAD_MOUNTS } from './bad-mounts.ts'
import { BAD_NAMESPACES } from './bad-namespaces.ts'
import { BAD_PROCESSES } from './bad-process.ts'
import { BAD_RESOURCES } from './bad-resources.ts'
import { BAD_FILTERS } from './bad-seccomp.ts'
import { BAD_SHAPES } from './bad-shape.ts'
import { BAD_SHAPES_OF_THE_REST } from './bad-shape-rest.ts'
import { patched } from './cases.ts'
import { GOOD } from './good.ts'
import { GOOD_LINUX } from './good-linux.ts'

function errorOf(call: () => unknown): OciError {
  try {
    call()
  } catch (error) {
    if (error instanceof OciError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const BAD = [
  ...[...BAD_SHAPES, ...BAD_SHAPES_OF_THE_REST, ...BAD_PROCESSES, ...BAD_MOUNTS],
  ...[...BAD_NAMESPACES, ...BAD_DEVICES, ...BAD_RESOURCES, ...BAD_FILTERS],
]
const ALL_GOOD = [...GOOD, ...GOOD_LINUX]

describe('a bad config is refused, with its place', () => {
  it('has at least 150 of them, each with a name of its own', () => {
    expect(BAD.length).toBeGreaterThanOrEqual(150)
    expect(new Set(BAD.map(([name]) => name)).size).toBe(BAD.length)
  })

  test.each(BAD)('%s', (_name, patch, path, message) => {
    const config = patched(patch)
    for (const error of [
      errorOf(() => validateConfig(config)),
      errorOf(() => parseConfig(formatJson(config))),
    ]) {
      expect(error.code).toBe('ERR_OCI_CONFIG_INVALID' satisfies OciErrorCode)
      expect(error.path).toBe(path)
      expect(error.message).toMatch(message)
      expect(error.message.startsWith(`${path}: expected `)).toBe(true)
    }
  })
})

describe('a good config is accepted', () => {
  it('has at least 30 of them', () => expect(ALL_GOOD.length).toBeGreaterThanOrEqual(30))

  test.for(ALL_GOOD)('%s', ([, patch, warnings = []]) => {
    const paths: string[] = []
    const config = validateConfig(patched(patch), { onWarning: (warning) => paths.push(warning.path) })
    expect(paths).toEqual(warnings)
    expect(parseConfig(formatJson(config))).toEqual(config)
  })
})

describe('documents that are no config', () => {
  test.each([
    ['null', '', 'ERR_OCI_CONFIG_INVALID', /expected an object, got null/],
    ['[]', '', 'ERR_OCI_CONFIG_INVALID', /expected an object, got an empty array/],
    ['"x"', '', 'ERR_OCI_CONFIG_INVALID', /expected an object, got "x"/],
    ['{}', '/ociVersion', 'ERR_OCI_CONFIG_INVALID', /required/],
    ['', '', 'ERR_OCI_CONFIG_SYNTAX', /line 1, column 1/],
    ['{]', '', 'ERR_OCI_CONFIG_SYNTAX', /line 1, column 2/],
    ['{"ociVersion": "1.3.0"} x', '', 'ERR_OCI_CONFIG_SYNTAX', /end of the text, got "x"/],
    ['{"root": {"path": tru}}', '/root/path', 'ERR_OCI_CONFIG_SYNTAX', /a value, got "t"/],
  ] as const)('%s', (text, path, code, message) => {
    const error = errorOf(() => parseConfig(text))
    expect([error.code, error.path]).toEqual([code, path])
    expect(error.message).toMatch(message)
  })

  it('refuses a cyclic value', () => {
    const config: Record<string, unknown> = { ociVersion: 1 }
    config.self = config
    expect(errorOf(() => validateConfig(config)).message).toMatch(/cyclic/)
  })
})

describe('hints', () => {
  test.each([
    ['/linux/namespaces/0/type', 'pids', 'Did you mean pid?'],
    ['/process/terminal', 'true', 'Write it without quotes.'],
    ['/process/user/uid', '0', 'Write it without quotes.'],
    ['/process/rlimits/0/hard', 2 ** 64, 'In a program, write large values as a bigint: 1n.'],
    ['/linux/namespaces', [], 'Add {"type": "uts"} to linux.namespaces, or leave it out.'],
  ])('%s', (pointer, value, hint) => {
    expect(errorOf(() => validateConfig(patched({ [pointer]: value }))).hint).toBe(hint)
  })
})

describe('what is returned', () => {
  it('is the value itself where nothing is null', () => {
    const config = patched({})
    expect(validateConfig(config)).toBe(config)
  })

  it('is a copy without nulls otherwise', () => {
    const config = patched({ '/process/env': null, '/annotations': { a: 'b' } })
    const result = validateConfig(config)
    expect(result.process).not.toHaveProperty('env')
    expect(result.annotations).toEqual({ a: 'b' })
    expect(config.process).toHaveProperty('env', null)
  })

  it('keeps all 64 bits', () => {
    const text = formatJson(
      patched({
        '/process/rlimits/0': { type: 'RLIMIT_AS', soft: 9007199254740993n, hard: 18446744073709551615n },
        '/linux/resources/memory': { limit: 9223372036854775807n, reservation: -1 },
      }),
    )
    expect(text).toContain('"hard": 18446744073709551615')
    const config = parseConfig(text)
    expect(config.process?.rlimits?.[0]).toEqual({
      type: 'RLIMIT_AS',
      soft: 9007199254740993n,
      hard: 18446744073709551615n,
    })
    expect(config.linux?.resources?.memory).toEqual({ limit: 9223372036854775807n, reservation: -1 })
    expect(formatJson(config)).toBe(text)
  })
})

describe('parts', () => {
  it('checks a process by itself', () => {
    expect(validateProcess({ cwd: '/', args: ['sh'] })).toEqual({ cwd: '/', args: ['sh'] })
    expect(errorOf(() => validateProcess({ cwd: 'x', args: ['sh'] })).path).toBe('/cwd')
    expect(errorOf(() => validateProcess({ cwd: '/' }, { at: '/process' })).path).toBe('/process/args')
    expect(errorOf(() => validateProcess(undefined)).message).toMatch(
      /^the document: expected an object, got nothing/,
    )
  })

  it('checks new limits, those not given being what they were', () => {
    expect(validateResources({ memory: { swap: 5000 } })).toEqual({ memory: { swap: 5000 } })
    expect(errorOf(() => validateResources({ memory: { limit: -1, swap: 5000 } })).path).toBe('/memory/swap')
    expect(errorOf(() => validateResources({ cpu: { quota: '1' } }, { at: '/x' })).path).toBe('/x/cpu/quota')
  })
})
