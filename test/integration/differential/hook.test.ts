import { compare } from './compare.ts'
import { hookCases } from './hook-cases.ts'

compare(hookCases)
