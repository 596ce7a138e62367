import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../../lib/cli/commands/index.ts'
import { STEPS } from '../../../lib/plan/steps.ts'
import { checkout } from '../../harness/checkout.ts'
import { codeBlocks, codeSpans, localLinks } from '../../harness/markdown.ts'

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/architecture.md']
const read = (path: string) => readFileSync(join(checkout, path), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

/** Made by a build, or by a script. */
const MADE = /^(csrc\/generated|types\/generated|docs\/api|dist|build|prebuilds|\.cache)\b/
const PATH = /^(\.ci|csrc|docs|examples|lib|scripts|test|types)\/[\w./*-]*$/

function exists(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(checkout, path))
  const pattern = new RegExp(`^${path.split('/').at(-1)!.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
  return readdirSync(join(checkout, dirname(path))).some((name) => pattern.test(name))
}

describe.for(DOCUMENTS)('%s', (document) => {
  const text = read(document)
  const words = [...codeSpans(text), ...codeBlocks(text, '').flatMap((block) => block.split(/[\s,]+/))]

  test('names files that are there', () => {
    const paths = words.filter((word) => PATH.test(word) && !MADE.test(word))
    expect(paths.filter((path) => !exists(path))).toEqual([])
    expect(localLinks(text).filter((to) => !exists(join(dirname(document), to)))).toEqual([])
  })

  test('names npm scripts that are there', () => {
    const named = [...text.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name]) => name!)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
    const files = [...text.matchAll(/\bbash ([\w/.-]+\.sh)\b/g)].map(([, path]) => path!)
    expect(files.filter((path) => !exists(path))).toEqual([])
  })
})

test('the README lists every command', () => {
  const [sentence] = /takes runc's commands and flags:[^.]*\./.exec(read('README.md')) ?? ['']
  expect(codeSpans(sentence).sort()).toEqual(Object.keys(COMMANDS).sort())
})

test('the architecture names steps that there are', () => {
  const text = read('docs/architecture.md')
  const steps = ['spawn', 'fork', 'mkdir', 'exec']
  for (const step of steps) {
    expect(text).toContain(`\`${step}\``)
    expect(STEPS).toHaveProperty(step)
  }
  for (const field of ['from', 'ignore', 'orElse']) expect(text).toContain(`\`${field}\``)
})

test('every part of the tree is on the map', () => {
  const text = read('docs/architecture.md')
  const parts = ['lib', 'csrc'].flatMap((top) =>
    readdirSync(join(checkout, top), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !MADE.test(`${top}/${entry.name}`))
      .map((entry) => `${top}/${entry.name}/`),
  )
  expect(parts.length).toBeGreaterThan(6)
  expect(parts.filter((part) => !text.includes(part))).toEqual([])
})
