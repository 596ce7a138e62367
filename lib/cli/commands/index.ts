import type { Command } from '../command.ts'
import { create } from './create.ts'
import { events } from './events.ts'
import { exec } from './exec.ts'
import { features } from './features.ts'
import { list, ps, state } from './inspect.ts'
import { kill, pause, remove, resume, start } from './lifecycle.ts'
import { plan } from './plan.ts'
import { run } from './run.ts'
import { spec } from './spec.ts'
import { update } from './update.ts'

/** The commands, by name, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Command>> = Object.assign(Object.create(null), {
  create,
  delete: remove,
  events,
  exec,
  features,
  kill,
  list,
  pause,
  plan,
  ps,
  resume,
  run,
  spec,
  start,
  state,
  update,
})
