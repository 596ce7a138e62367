import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { expect, test } from 'vitest'
import { parseProbe, probeBinary } from '../../harness/probe.ts'

const probe = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  parseProbe(execFileSync(probeBinary(), args, { env, cwd: '/' }))

test('reports every section, and what it says of this process is so', () => {
  const report = probe(
    [
      ...['--stat', '/dev/null', '--stat', '/no such', '--sysctl', 'kernel.ostype'],
      ...['--syscall', '9999', '--', 'x'],
    ],
    {
      ODD: 'é"\\\n',
    },
  )
  expect(Object.keys(report)).toHaveLength(21)
  expect(report.ids.uid).toEqual(Array(4).fill(userInfo().uid))
  expect(report.process).toMatchObject({ cwd: '/', ppid: process.pid, exe: probeBinary() })
  expect(report.process.argv.slice(-2)).toEqual(['--', 'x'])
  expect(report.process.env.map((word) => Buffer.from(word, 'latin1').toString())).toEqual(['ODD=é"\\\n'])
  expect(report.paths['/dev/null']).toMatchObject({ type: 'char', rdev: '1:3', writable: true })
  expect(report.paths['/no such']).toEqual({ error: 'ENOENT' })
  expect(report.syscalls).toEqual({ 9999: 'ENOSYS' })
  expect(report.sysctl).toEqual({ 'kernel.ostype': 'Linux' })
  expect(Object.keys(report.rlimits)).toHaveLength(16)
  expect(report.mounts?.find((mount) => mount.mountpoint === '/')?.options).toBeDefined()
  expect(report.fds.filter(({ fd }) => fd < 3)).toHaveLength(3)
  expect(report.network.map((device) => device.name)).toContain('lo')
})

test('reports the sections that are asked for, and no others', () => {
  expect(Object.keys(probe(['--sections', 'ids,time'])).sort()).toEqual(['ids', 'time'])
})

test('sees what a process is started with', () => {
  const script = `umask 027; ulimit -n 77; cd /usr; exec nice -n 5 ${probeBinary()}`
  const report = parseProbe(execFileSync('sh', ['-c', script]))
  expect(report.process).toMatchObject({ umask: '0027', cwd: '/usr' })
  expect(report.rlimits.NOFILE).toEqual(['77', '77'])
  expect(report.sched.nice).toBe(5)
})

test('a broken report is an error that shows it', () => {
  expect(() => parseProbe('{"ids":')).toThrow(/not a probe's report: .*ids/)
})
