import { compare } from './compare.ts'
import { linuxCases } from './linux-cases.ts'
import { namespaceCases } from './namespace-cases.ts'
import { seccompCases } from './seccomp-cases.ts'

compare([...linuxCases, ...namespaceCases, ...seccompCases])
