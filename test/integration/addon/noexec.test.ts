import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { native } from '../../../lib/native.ts'
import { encodePlan } from '../../../lib/plan/encode.ts'
import { program } from './launch.ts'

const SYSCTL = '/proc/sys/vm/memfd_noexec'

/** Launches a shell twelve times at once; prints the exit codes and how many images are still open. */
const SCRIPT = `
  const [addon, plan] = JSON.parse(process.argv[1])
  const m = { exports: {} }
  process.dlopen(m, addon)
  const n = m.exports
  const one = async () => {
    const { failure, fds } = await n.run(Uint8Array.from(plan), [], [5, 6, 7])
    if (failure) return failure
    return new Promise((resolve) => {
      const watch = n.poll(fds[0], 1, () => {
        watch.close()
        const exit = n.pidfdExit(fds[0])
        for (const fd of fds) n.close(fd)
        resolve(exit.code)
      })
    })
  }
  Promise.all(Array.from({ length: 12 }, one)).then((codes) => {
    const left = require('node:fs').readdirSync('/proc/self/fd').filter((fd) => {
      try { return /memfd:oci|deleted/.test(require('node:fs').readlinkSync('/proc/self/fd/' + fd)) } catch { return false }
    })
    console.log(JSON.stringify({ codes, left: left.length }))
  })
`

// The setting belongs to a pid namespace and can only be tightened there: one of its own is needed.
test.runIf(existsSync(SYSCTL))(
  'where memfds must not be executed, an unlinked file is, a fresh one per launch',
  async () => {
    native()
    const addon = /\S+oci\S*\.node$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0]
    const spawn = { op: 'spawn', plan: encodePlan(program('sh', '-c', 'exit 5')), flags: 0 } as const
    const plan = encodePlan([{ ...spawn, pidfd: 5, socket: 6, report: 7 }])
    const { stdout } = await promisify(execFile)('unshare', [
      ...['--pid', '--fork', '--mount-proc', 'sh', '-c'],
      `echo 2 > ${SYSCTL} && [ "$(cat ${SYSCTL})" = 2 ] && exec node -e "$0" "$1"`,
      SCRIPT,
      JSON.stringify([addon, [...plan]]),
    ])
    expect(JSON.parse(stdout)).toEqual({ codes: Array(12).fill(5), left: 0 })
  },
)
