import { compare } from './compare.ts'
import { mountCases } from './mount-cases.ts'
import { optionCases } from './option-cases.ts'
import { rootCases } from './root-cases.ts'

compare([...mountCases, ...optionCases, ...rootCases])
