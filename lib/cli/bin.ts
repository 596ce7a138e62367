#!/usr/bin/env node
import { readlinkSync } from 'node:fs'
import { main } from './main.ts'
import { adoptOrphans } from './orphans.ts'
import { signals } from './signals.ts'

/** Node opens fds of its own, of which the first, at the lowest free number, is the event loop's. */
function passedFd(number: number): number | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${number}`) === 'anon_inode:[eventpoll]' ? undefined : number
  } catch {
    return undefined
  }
}

const code = await main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  stdio: [0, 1, 2],
  signals,
  pid: process.pid,
  passedFd,
  adoptOrphans,
})
process.exit(code)
