import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from './checkout.ts'

/**
 * Builds a static C program into `.cache/<name>/` and returns its path. The file's name carries a hash
 * of compiler flags and sources, so an unchanged program is built once, and test files that run side by
 * side may all call this.
 *
 * @param name the program's name
 * @param sources paths from the checkout, headers included
 * @throws what gcc says
 */
export function compile(name: string, sources: readonly string[], flags: readonly string[] = []): string {
  const options = ['-std=c11', '-O2', '-static', '-Wall', '-Wextra', '-Werror', ...flags]
  const hash = createHash('sha256').update(options.join(' '))
  for (const source of sources) hash.update(readFileSync(join(checkout, source)))
  const program = join(checkout, '.cache', name, `${name}-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(program)) return program
  mkdirSync(join(checkout, '.cache', name), { recursive: true })
  const unfinished = `${program}.${process.pid}`
  const units = sources.filter((source) => source.endsWith('.c')).map((source) => join(checkout, source))
  execFileSync('gcc', [...options, '-o', unfinished, ...units], { stdio: ['ignore', 'inherit', 'inherit'] })
  renameSync(unfinished, program)
  return program
}
