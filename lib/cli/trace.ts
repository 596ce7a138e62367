import type { TraceEvent } from '../runtime/trace.ts'

const ROWS = { host: 1, init: 2, exec: 3 } as const

/**
 * The timing of steps in the Trace Event format, which Perfetto and chrome://tracing open: one complete event (`X`) a
 * step, times in µs, a row for the host's steps, one for init's, one for those after the start.
 */
export function traceEvents(trace: readonly TraceEvent[]): string {
  const names = Object.entries(ROWS).map(([name, tid]) => ({
    name: 'thread_name',
    ph: 'M',
    pid: 1,
    tid,
    args: { name },
  }))
  const steps = trace.map(({ part, step, target, from, begin, duration }) => ({
    name: target === '' ? step : `${step} ${target}`,
    cat: part,
    ph: 'X',
    ts: begin / 1000,
    dur: duration / 1000,
    pid: 1,
    tid: ROWS[part],
    args: { target, from },
  }))
  return `${JSON.stringify({ traceEvents: [...names, ...steps], displayTimeUnit: 'ns' })}\n`
}
