import type { TraceEvent } from '../runtime/trace.ts'

/** The timing of steps in the Trace Event format: Perfetto and chrome://tracing open it. */
export function traceEvents(trace: readonly TraceEvent[]): string {
  return `${JSON.stringify({ traceEvents: trace, displayTimeUnit: 'ns' })}\n`
}
