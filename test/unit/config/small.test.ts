import { describe, expect, it, test } from 'vitest'
import { sysctlPath } from '../../../lib/config/check-sysctl.ts'
import { checkContainerId } from '../../../lib/config/id.ts'
import { isMountOption, MOUNT_OPTIONS } from '../../../lib/config/mount-options.ts'
import { checkOptions } from '../../../lib/config/options.ts'
import { child, lookUp } from '../../../lib/config/pointer.ts'
import { invalid, show } from '../../../lib/config/problem.ts'
import { suggest } from '../../../lib/config/suggest.ts'
import { errnoName, isOciError, OCI_ERROR_CODES, OciError } from '../../../lib/errors.ts'

describe('checkContainerId', () => {
  test.each(['a', '0', '_', '+', '-', '-a', '...', '.a', 'A-z_0+9.', 'x'.repeat(255)])('%s', (id) => {
    expect(checkContainerId(id)).toBe(id)
  })

  test.each([
    '',
    '.',
    '..',
    'a/b',
    '/',
    'a b',
    'a\n',
    'a\0',
    'ä',
    'a:b',
    'x'.repeat(256),
    5,
    null,
    undefined,
    ['a'],
  ])('not %j', (id) => {
    expect(() => checkContainerId(id)).toThrow(expect.objectContaining({ code: 'ERR_OCI_ID_INVALID' }))
  })
})

describe('checkOptions', () => {
  const check = (options: unknown): void => checkOptions('run', options, ['timeoutMs', 'signal', 'stdio'])

  it('accepts known options, also undefined ones, and none', () => {
    check(undefined)
    check({})
    check({ signal: undefined, stdio: 'pipe' })
  })

  test.each([
    [{ timeoutMS: 5 }, /run: there is no option "timeoutMS"/, 'Did you mean timeoutMs?'],
    [{ singal: 5 }, /"singal"/, 'Did you mean signal?'],
    [{ x: 5 }, /"x"/, 'The options are timeoutMs, signal, stdio.'],
    [null, /an object of options, got null/, undefined],
    [[], /an object of options, got an empty array/, undefined],
    ['pipe', /an object of options, got "pipe"/, undefined],
  ])('refuses %j', (options, message, hint) => {
    expect(() => check(options)).toThrow(
      expect.objectContaining({ code: 'ERR_OCI_OPTION_INVALID', ...(hint && { hint }) }),
    )
    expect(() => check(options)).toThrow(message)
  })
})

describe('suggest', () => {
  test.each([
    ['pids', ['pid', 'ipc'], 'pid'],
    ['nosuid', ['suid', 'nosuidd'], 'nosuidd'],
    ['recieve', ['receive', 'relieve'], 'receive'],
    ['ab', ['xy'], undefined],
    ['SCMP_ACT_DENY', ['SCMP_ACT_KILL'], undefined],
    ['y'.repeat(5000), ['y'.repeat(5001)], undefined],
  ])('%s', (word, known, meant) => expect(suggest(word, known)).toBe(meant))
})

describe('JSON pointers', () => {
  it('escape and find again', () => {
    const value = { 'a/b': [{ '~1': 'x' }] }
    const pointer = child(child(child('', 'a/b'), 0), '~1')
    expect(pointer).toBe('/a~1b/0/~01')
    expect(lookUp(value, pointer)).toBe('x')
    expect(lookUp(value, '')).toBe(value)
    expect(lookUp(value, '/toString')).toBeUndefined()
    expect(lookUp(value, '/a~1b/0/~01/length')).toBeUndefined()
  })
})

describe('show', () => {
  test.each([
    ['a\u001b[31m\u009b\u202e', '"a\\u001b[31m\\u009b\\u202e"'],
    ['x'.repeat(100), `"${'x'.repeat(80)}…"`],
    [5n, '5'],
    [undefined, 'nothing'],
    [[1, 2], 'an array of 2'],
    [() => {}, 'a function'],
  ])('value %#', (value, text) => expect(show(value)).toBe(text))
})

describe('sysctlPath', () => {
  test.each([
    ['net.ipv4.ip_forward', 'net ipv4 ip_forward'],
    ['net/ipv4/ip_forward', 'net ipv4 ip_forward'],
    ['net.ipv4.conf.eth0/1.mtu', 'net ipv4 conf eth0.1 mtu'],
    ['net/ipv4/conf/eth0.1/mtu', 'net ipv4 conf eth0.1 mtu'],
    ['net/../x', undefined],
    ['net.//.x', undefined],
    ['net/./x', undefined],
    ['/net', undefined],
    ['', undefined],
  ])('%s', (name, path) => expect(sysctlPath(name)?.join(' ')).toBe(path))
})

describe('mount options', () => {
  it('are those of config.md', () => {
    for (const name of [
      'defaults',
      'rro',
      'rnodev',
      'rnosymfollow',
      'runbindable',
      'tmpcopyup',
      'idmap',
      'ridmap',
    ]) {
      expect(isMountOption(name)).toBe(true)
    }
    for (const name of ['', 'mode=755', 'rbindd', 'rrbind', 'acl', 'RO'])
      expect(isMountOption(name)).toBe(false)
    expect(MOUNT_OPTIONS).toHaveLength(new Set(MOUNT_OPTIONS).size)
    expect(MOUNT_OPTIONS).toHaveLength(62)
  })
})

describe('OciError', () => {
  it('has what is known, and nothing else', () => {
    const cause = new Error('x')
    const error = new OciError('ERR_OCI_SYSCALL', 'mount failed', { syscall: 'mount', errno: 1, cause })
    expect(Object.keys(error).sort()).toEqual(['code', 'errno', 'errnoName', 'name', 'syscall'])
    expect(error).toMatchObject({ name: 'OciError', errnoName: 'EPERM', cause, message: 'mount failed' })
    expect(error).toBeInstanceOf(Error)
    expect('cause' in new OciError('ERR_OCI_CLOSED')).toBe(false)
    expect(invalid('', 'x', 1).path).toBe('')
  })

  it('has a sentence for every code', () => {
    expect(OCI_ERROR_CODES.length).toBeGreaterThanOrEqual(23)
    for (const code of OCI_ERROR_CODES) {
      expect(code).toMatch(/^ERR_OCI_[A-Z_]+$/)
      expect(new OciError(code).message).toMatch(/^\w.{10}/)
    }
  })

  it('is told apart', () => {
    const error: unknown = new OciError('ERR_OCI_STATE')
    expect(isOciError(error)).toBe(true)
    expect(isOciError(error, 'ERR_OCI_STATE')).toBe(true)
    expect(isOciError(error, 'ERR_OCI_CLOSED')).toBe(false)
    expect(isOciError(new Error('x'))).toBe(false)
  })

  test.each([
    [1, 'EPERM'],
    [11, 'EAGAIN'],
    [95, 'EOPNOTSUPP'],
    [126, 'ENOKEY'],
    [99999, 'errno 99999'],
  ])('errno %i', (errno, name) => expect(errnoName(errno)).toBe(name))
})
