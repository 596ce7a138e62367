import { expect, test } from 'vitest'
import type { Step } from '../../../lib/plan/steps.ts'
import { stepError } from '../../../lib/runtime/failure.ts'

const fail = (step: Step | undefined, errno: number, syscall = '', text = '') =>
  stepError({ step, errno, syscall, text, containerId: 'c' })

test('a step is named with its target, its call and its place in the config', () => {
  const step: Step = { op: 'mountFs', root: 0, target: '/proc', fstype: 'proc', from: '/mounts/0' }
  const error = fail(step, 1, 'fsopen')
  expect(error).toMatchObject({
    code: 'ERR_OCI_STEP_FAILED',
    message: 'mountFs /proc: operation not permitted (fsopen: EPERM)',
    step: 'mountFs',
    path: '/mounts/0',
    syscall: 'fsopen',
    errno: 1,
    errnoName: 'EPERM',
    containerId: 'c',
  })
  expect(error.hint).toBeDefined()
})

test('engines know programs that are missing, or can’t be run, by the words', () => {
  const find = (program: string): Step => ({ op: 'findProgram', program, env: [], from: '/process/args/0' })
  const missing = fail(find('x'), 2, 'execve', 'x')
  expect(missing.code).toBe('ERR_OCI_PROGRAM_NOT_FOUND')
  expect(missing.message).toBe('exec: "x": executable file not found in $PATH')
  expect(fail(find('/x'), 2).message).toContain('exec: "/x": no such file or directory')
  const forbidden = fail(find('/x'), 13)
  expect(forbidden.code).toBe('ERR_OCI_PROGRAM_NOT_EXECUTABLE')
  expect(forbidden.message).toContain('permission denied')
})

test('a hook is told by its own words', () => {
  const error = fail(
    { op: 'hook', path: '/h', args: ['h'], env: [] },
    10,
    '',
    'the hook ended with exit code 3: oops',
  )
  expect(error).toMatchObject({
    code: 'ERR_OCI_HOOK_FAILED',
    message: 'hook /h: the hook ended with exit code 3: oops',
  })
})

test('cgroups, system calls that are not there, and no step at all', () => {
  expect(fail({ op: 'mkdir', path: '/sys/fs/cgroup/cpu/x', mode: 0o755 }, 13, 'mkdirat')).toMatchObject({
    code: 'ERR_OCI_CGROUP',
    hint: expect.stringContaining('delegate'),
  })
  expect(fail({ op: 'nop' }, 38).code).toBe('ERR_OCI_UNSUPPORTED')
  expect(fail(undefined, 111, 'connect', 'the socket').message).toBe(
    'the socket: connection refused (connect: ECONNREFUSED)',
  )
})

test('whoever has no runtime directory is told what to do', () => {
  const { hint } = fail({ op: 'mkdir', path: '/run/user/1000/oci-ts', mode: 0o700 }, 13, 'mkdirat')
  expect(hint).toContain('XDG_RUNTIME_DIR')
  expect(fail({ op: 'mkdir', path: '/srv/x', mode: 0o700 }, 13, 'mkdirat').hint).toBeUndefined()
})
