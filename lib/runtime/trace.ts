import type { Plan, StepName } from '../plan/steps.ts'
import { stepTarget } from './failure.ts'

/** Where a step ran: on the host, in the init program, or in the tail that `start` released. */
export type TracePart = 'host' | 'init' | 'exec'

/** One step that was carried out, with its time. */
export interface TraceEvent {
  part: TracePart
  step: StepName
  /** What it worked on, e.g. the mount's target; may be ''. */
  target: string
  /** The part of config.json it came from, as a JSON pointer. */
  from?: string
  /** Begin, in nanoseconds of CLOCK_MONOTONIC. */
  begin: number
  /** Duration, in nanoseconds. */
  duration: number
}

/** Collects the time of every step (`trace: true`). */
export class Tracer {
  readonly events: TraceEvent[] = []
  /** The plan that init was launched with: its tail is timed by start. */
  init: Plan = []

  /** @param times begin of the plan, then the end of each step; 0 where a step did not run */
  add(part: TracePart, plan: Plan, times: Float64Array, first = 0): void {
    let begin = times[first] ?? 0
    for (let index = first; index < plan.length && index + 1 < times.length; index++) {
      const step = plan[index]!
      const end = times[index + 1]!
      if (end === 0) continue
      const from = step.from === undefined ? {} : { from: step.from }
      this.events.push({
        part,
        step: step.op,
        target: stepTarget(step),
        ...from,
        begin,
        duration: Math.max(0, end - begin),
      })
      begin = end
    }
  }
}
