/**
 * A program that lives the life of a caller, to the end or until a tripwire kills it; or, with `cli`, the command line.
 * It is bundled for a Node of its own.
 */
import { writeFileSync } from 'node:fs'
import { main } from '../../../../lib/cli/main.ts'
import { Container } from '../../../../lib/index.ts'
import type { Plan, Step } from '../../../../lib/plan/steps.ts'
import { Tripwire } from './tripwire.ts'

/** What to do, one after another. */
export type Act = 'create' | 'start' | 'kill' | 'delete' | 'load' | 'remove'

/** A life. */
export interface Life {
  id: string
  bundle: string
  acts: readonly Act[]
  /** Label of the point to die at; null: lives on, and prints all points. */
  target: string | null
  /** A directory of this life's own. */
  dir: string
  /** The oom_score_adj by which its descendants are known. */
  mark: number
  consoleSocket?: string
  /** The state is recorded only when the cgroups are made. */
  recordLate?: boolean
}

const [mode = '', ...args] = process.argv.slice(2)
if (mode === 'cli') {
  const io = { cwd: process.cwd(), env: process.env, signals: { listen: () => () => {} } }
  process.exit(await main(args, { ...io, stdio: [0, 1, 2] }))
}
await live(JSON.parse(mode) as Life)

async function live({ id, bundle, acts, target, dir, mark, consoleSocket, recordLate }: Life): Promise<void> {
  writeFileSync('/proc/self/oom_score_adj', `${mark}`)
  const wire = new Tripwire(target, `${dir}/alive`, recordLate ? late : undefined)
  await wire.install()
  let container: Container | undefined
  for (const act of acts) {
    wire.enter(act)
    if (act === 'create') {
      container = await Container.create(id, {
        bundle,
        pidFile: `${dir}/pid`,
        ...(consoleSocket === undefined ? { stdio: 'ignore' } : { consoleSocket }),
      })
    } else if (act === 'load') container = await Container.load(id)
    else if (act === 'start') await container!.start()
    else if (act === 'kill') {
      await container!.kill('SIGKILL')
      await container!.wait()
    } else if (act === 'delete') await container!.delete({ force: true })
    else await Container.remove(id, { force: true })
    wire.reach('end')
  }
  process.stdout.write(JSON.stringify(wire.points), () => process.exit(0))
}

function late(steps: Plan): Plan {
  const isNamed = (step: Step, name: string) => step.op === 'write' && step.path === name
  const record = steps.find((step) => isNamed(step, 'state.json') && step.op === 'write' && !step.atomic)
  const made = steps.findIndex((step) => isNamed(step, 'owned'))
  if (record === undefined || made < 0) return steps
  const rest = steps.filter((step) => step !== record)
  return [...rest.slice(0, made - 1), record, ...rest.slice(made - 1)]
}
