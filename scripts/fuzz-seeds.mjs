// fuzz-seeds.mjs DIR — writes seeds for csrc/fuzz/plan_fuzzer.cc: each step with all of its fields, with the required
// ones only, and all steps in one plan.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadTs } from './generate/load-ts.mjs'

const [directory] = process.argv.slice(2)
if (!directory) throw new Error('usage: fuzz-seeds.mjs DIR')
const [{ STEPS }, { encodePlan }] = await loadTs(['lib/plan/steps.ts', 'lib/plan/encode.ts'])

const VALUES = {
  u64: 2n ** 64n - 1n,
  i64: -1000,
  bool: true,
  str: '/etc/größe',
  bytes: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]),
  strs: ['one', '', 'drei'],
  u64s: [0, 1, 2n ** 63n],
  slot: 1023,
}

const step = (op, all) => {
  const fields = Object.entries(STEPS[op].fields).filter(([, kind]) => all || !kind.endsWith('?'))
  const values = fields.map(([name, kind]) => [name, VALUES[kind.replace('?', '')]])
  return { op, ...Object.fromEntries(values), ...(all ? { ignore: [2, 17], orElse: true } : {}) }
}

const seed = (name, steps, options) => {
  for (const repair of [0, 1]) {
    const plan = encodePlan(steps, options)
    writeFileSync(join(directory, `${name}-${repair}`), Buffer.concat([Buffer.from([repair]), plan]))
  }
}

mkdirSync(directory, { recursive: true })
const names = Object.keys(STEPS)
for (const name of names) {
  seed(`${name}-all`, [step(name, true)])
  seed(`${name}-required`, [step(name, false)])
}
seed(
  'every',
  names.flatMap((name) => [step(name, false), step(name, true)]),
  { trace: true },
)
seed('empty', [])
