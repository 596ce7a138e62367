import { compare } from './compare.ts'
import { processCases } from './process-cases.ts'

compare(processCases)
