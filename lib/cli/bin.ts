#!/usr/bin/env node
import { constants } from 'node:os'
import type { SignalSource } from './io.ts'
import { main } from './main.ts'

// These can't be caught, or mean something else: faults of this process, its children, and the terminal's own stops.
const OWN = new Set([
  'SIGKILL',
  'SIGSTOP',
  'SIGCHLD',
  'SIGURG',
  'SIGPIPE',
  'SIGPROF',
  'SIGSEGV',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGIOT',
  'SIGSYS',
  'SIGTTIN',
  'SIGTTOU',
  'SIGVTALRM',
])

const signals: SignalSource = {
  listen(handler) {
    const names = Object.keys(constants.signals).filter((name) => !OWN.has(name)) as NodeJS.Signals[]
    const caught = names.filter((name) => {
      try {
        process.on(name, handler)
        return true
      } catch {
        return false
      }
    })
    return () => {
      for (const name of caught) process.off(name, handler)
    }
  },
}

const code = await main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  stdio: [0, 1, 2],
  signals,
})
process.exit(code)
