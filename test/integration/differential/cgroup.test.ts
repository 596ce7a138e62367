import { cgroupCases } from './cgroup-cases.ts'
import { compare } from './compare.ts'

compare(cgroupCases)
