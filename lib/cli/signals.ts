import { constants } from 'node:os'
import type { SignalSource } from './io.ts'

// These can't be caught, or mean something else: faults of this process, its children, the terminal's own stops, and
// what Node has for itself.
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
  'SIGTTIN',
  'SIGTTOU',
])

let listening = 0

// Without a listener Node would open its debugger at this signal.
process.on('SIGUSR1', () => {
  if (listening === 0) process.exit(128 + constants.signals.SIGUSR1)
})

/** The signals of this process. */
export const signals: SignalSource = {
  listen(handler) {
    const caught: NodeJS.Signals[] = []
    const numbers = new Set<number>()
    for (const [name, number] of Object.entries(constants.signals)) {
      // Several names share a number: each signal is to be passed on once.
      if (OWN.has(name) || numbers.has(number)) continue
      numbers.add(number)
      try {
        process.on(name, handler)
        caught.push(name as NodeJS.Signals)
      } catch {
        // Some can't be caught on this machine.
      }
    }
    listening++
    return () => {
      listening--
      for (const name of caught) process.off(name, handler)
    }
  },
}
