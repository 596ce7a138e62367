// What containers are worked on with. Loaded on first use: importing the library stays quick.
export { runBatch } from './batch.ts'
export { oomKilledIn } from './cgroups.ts'
export { createHandle, listStates, loadHandle, removeContainer } from './containers.ts'
export { planContainer } from './create-plan.ts'
export { hostFacts } from './facts.ts'
export { runProgram } from './program.ts'
export { readStatsTexts } from './stats.ts'
