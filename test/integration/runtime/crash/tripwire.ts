import { constants } from 'node:fs'
import { loadAddon } from '../../../../lib/addon.ts'
import type { Native, NativeDatagram } from '../../../../lib/native.ts'
import { encodePlan } from '../../../../lib/plan/encode.ts'
import { decodeMessage } from '../../../../lib/plan/message-codec.ts'
import { MESSAGE } from '../../../../lib/plan/messages.ts'
import type { Plan, Step } from '../../../../lib/plan/steps.ts'
import { decodePlan } from '../../../harness/decode-plan.ts'

/** A moment in the life of a caller at which it can die. */
export interface Point {
  /** What names it in every life of that kind: `create/batch 0/12 mkdir`. */
  label: string
  /** The step that comes next, so that one that is in many plans can be told; null where there is none. */
  content: string | null
}

type HostStep = Step & { op: 'spawn' }

/** Slots that no plan uses. */
const SELF = 1000
const ALIVE = 1001
/** The FD number by which init tells that it is at the point. */
const DIE = 999
const SIGKILL = 9
/** How long init waits for the end of its caller. */
const DEATH_TIMEOUT_MS = 20_000

/** What the library's steps are changed to, to see that the tests notice. */
export type Mutation = (steps: Plan) => Plan

/**
 * Stands between the library and its addon, and kills this process at one point: before a step of a host batch (by a
 * step that signals this very process), around the other calls, when a message comes; and before each step of init's
 * plan, tail included. There init tells of it, and goes on only when this process is dead.
 */
export class Tripwire {
  /** Every point that was passed. */
  readonly points: Point[] = []
  readonly #target: string | null
  readonly #aliveFile: string
  readonly #mutate: Mutation
  readonly #addon: Native = loadAddon()
  readonly #run = this.#addon.run
  readonly #self = this.#addon.pidfdOpen(process.pid)
  #phase = ''
  #counts = new Map<string, number>()

  /**
   * @param target the label of the point to die at, or null: to live, and list them
   * @param aliveFile a file whose lock this process will hold until it is dead
   */
  constructor(target: string | null, aliveFile: string, mutate: Mutation = (steps) => steps) {
    this.#target = target
    this.#aliveFile = aliveFile
    this.#mutate = mutate
  }

  async install(): Promise<void> {
    const { O_CREAT, O_RDWR } = constants
    const lock: Step[] = [
      { op: 'open', to: ALIVE, path: this.#aliveFile, flags: O_RDWR | O_CREAT, mode: 0o600 },
      { op: 'lock', slot: ALIVE, timeoutMs: 0 },
    ]
    const { failure } = await this.#run(encodePlan(lock), [], [ALIVE])
    if (failure !== null) throw new Error(`no lock: ${JSON.stringify(failure)}`)
    const addon = this.#addon
    addon.run = (plan, slots, keep) => this.#batch(plan, slots, keep)
    const { recv } = addon
    addon.recv = (fd) => this.#received(recv(fd))
    for (const name of ['send', 'connect', 'connectStream', 'memfd', 'pidfdSignal'] as const) this.#wrap(name)
  }

  /** Begins a part of the life; its points are counted from 0. */
  enter(phase: string): void {
    this.#phase = phase
    this.#counts = new Map()
    this.reach('begin')
  }

  /** Passes a point. */
  reach(what: string): void {
    const label = `${this.#phase}/${what}`
    this.points.push({ label, content: null })
    if (label === this.#target) this.#die()
  }

  #die(): never {
    process.kill(process.pid, 'SIGKILL')
    throw new Error('unreachable')
  }

  #count(what: string): string {
    const count = this.#counts.get(what) ?? 0
    this.#counts.set(what, count + 1)
    return `${what} ${count}`
  }

  #wrap(name: 'send' | 'connect' | 'connectStream' | 'memfd' | 'pidfdSignal'): void {
    const call = this.#addon[name] as (...args: unknown[]) => unknown
    const wrapped = (...args: unknown[]) => {
      const what = this.#count(name)
      this.reach(`before ${what}`)
      const result = call(...args)
      this.reach(`after ${what}`)
      return result
    }
    Object.assign(this.#addon, { [name]: wrapped })
  }

  #received(datagram: NativeDatagram | null): NativeDatagram | null {
    if (datagram === null || datagram.data.length === 0) return datagram
    const { kind, value } = decodeMessage(datagram.data)
    if (MESSAGE[kind] === MESSAGE.fd && value === DIE) this.#die()
    this.reach(this.#count(`message ${kind}`))
    return datagram
  }

  async #batch(bytes: Uint8Array, slots: readonly number[], keep: readonly number[]) {
    const { steps, trace } = decodePlan(bytes)
    if (Buffer.compare(encodePlan(steps, { trace }), bytes) !== 0)
      throw new Error('a plan was decoded wrongly')
    const name = this.#count('batch')
    const plan: Step[] = []
    for (const [index, step] of this.#mutate(steps).entries()) {
      this.#place(plan, step, `${name}/${index}`, { op: 'signal', pidfd: SELF, signal: SIGKILL })
      if (step.op === 'spawn') plan.push(...this.#spawn(step, name))
      else plan.push(step)
    }
    this.#place(plan, { op: 'nop' }, `${name}/end`, { op: 'signal', pidfd: SELF, signal: SIGKILL })
    return this.#run(encodePlan(plan, { trace }), [...slots, SELF, this.#self], keep)
  }

  /** Adds what kills before `step`, if that is the point. What stands for a failed step is no point of its own. */
  #place(plan: Step[], step: Step, place: string, ...trap: Step[]): boolean {
    if (step.orElse) return false
    const label = `${this.#phase}/${place} ${step.op}`
    this.points.push({ label, content: contentOf(step) })
    if (label === this.#target) plan.push(...trap)
    return label === this.#target
  }

  /** The spawn with a trap in init's plan, and before it what init needs for that. */
  #spawn(step: HostStep, batch: string): Step[] {
    const { steps, trace } = decodePlan(step.plan)
    const plan: Step[] = []
    let part = 'init'
    let trapped = false
    for (const [index, own] of steps.entries()) {
      const trap: Step[] = [
        { op: 'sendFd', slot: ALIVE, name: DIE },
        { op: 'lock', slot: ALIVE, timeoutMs: DEATH_TIMEOUT_MS },
      ]
      trapped = this.#place(plan, own, `${batch}/${part}/${index}`, ...trap) || trapped
      plan.push(own)
      if (own.op === 'waitStart') part = 'tail'
    }
    if (!trapped) return [step]
    return [
      { op: 'open', to: ALIVE, path: this.#aliveFile, flags: constants.O_RDWR },
      { ...step, plan: encodePlan(plan, { trace }), pass: [...(step.pass ?? []), ALIVE, ALIVE] },
    ]
  }
}

function contentOf(step: Step): string {
  // A spawn is told by what it launches.
  const told = step.op === 'spawn' ? { ...step, plan: decodePlan(step.plan).steps } : step
  return JSON.stringify(told, (_, value: unknown) =>
    value instanceof Uint8Array
      ? Buffer.from(value).toString('latin1')
      : typeof value === 'bigint'
        ? `${value}`
        : value,
  )
}
