import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toolBinary } from '../harness/programs.ts'
import { makeRootfs } from '../harness/rootfs.ts'
import { runShell } from './runtime/support.ts'

test('a copied-up directory keeps hard links, times and extended attributes, and has nothing of its own', async () => {
  const rootfs = makeRootfs()
  const dir = join(rootfs, 'data')
  mkdirSync(join(dir, 'deep/er'), { recursive: true })
  writeFileSync(join(dir, 'one'), 'content')
  for (const name of ['two', 'deep/three', 'deep/er/four']) linkSync(join(dir, 'one'), join(dir, name))
  writeFileSync(join(dir, 'alone'), 'content')
  writeFileSync(join(dir, 'split'), '')
  // Its other name is not below the directory.
  linkSync(join(dir, 'split'), join(rootfs, 'elsewhere'))
  symlinkSync('one', join(dir, 'soft'))
  linkSync(join(dir, 'soft'), join(dir, 'deep/soft'))
  execFileSync('mkfifo', [join(dir, 'pipe')])
  linkSync(join(dir, 'pipe'), join(dir, 'deep/pipe'))
  for (let i = 0; i < 300; i++) {
    writeFileSync(join(dir, `f${i}`), '')
    linkSync(join(dir, `f${i}`), join(dir, 'deep/er', `f${i}`))
  }
  const attribute = ['trusted.test', 'value', join(dir, 'one'), join(dir, 'deep')]
  execFileSync(toolBinary(), ['setxattr', ...attribute])
  for (const name of ['one', 'deep/er', 'deep', '']) utimesSync(join(dir, name), 1_000_000_000, 1_234_567_890)
  const script = `
    cd /data
    stat -c '%n %h %Y' one two deep/three deep/er/four alone split soft deep/soft pipe . deep deep/er
    for pair in "one deep/er/four" "one two" "soft deep/soft" "pipe deep/pipe" "f7 deep/er/f7" "one alone"; do
      set -- $pair; [ $(stat -c %i $1) = $(stat -c %i $2) ] && echo same || echo other
    done
    cat deep/er/four; echo; echo more >> one; cat deep/three
    ls -A | grep -v '^f[0-9]*$'
    find . -name 'f*' -type f -links 2 | wc -l
  `
  const { stdout, stderr } = await runShell(script, (config) => {
    config.root.path = rootfs
    config.mounts!.push({
      destination: '/data',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['tmpcopyup', 'mode=755'],
    })
  })
  expect(stderr).toBe('')
  const now = expect.stringMatching(/^\d+$/) as unknown as string
  const lines = stdout.trim().split('\n')
  const table = lines.slice(0, 12).map((line) => line.split(' '))
  expect(table.map(([name, links]) => `${name} ${links}`)).toEqual([
    'one 4',
    'two 4',
    'deep/three 4',
    'deep/er/four 4',
    'alone 1',
    'split 1',
    'soft 2',
    'deep/soft 2',
    'pipe 2',
    expect.stringMatching(/^\. /),
    expect.stringMatching(/^deep /),
    expect.stringMatching(/^deep\/er /),
  ])
  const times = Object.fromEntries(table.map(([name, , time]) => [name, time]))
  expect(times).toMatchObject({
    one: '1234567890',
    '.': '1234567890',
    deep: '1234567890',
    'deep/er': '1234567890',
    alone: now,
  })
  expect(lines.slice(12)).toEqual([
    'same',
    'same',
    'same',
    'same',
    'same',
    'other',
    'content',
    'contentmore',
    'alone',
    'deep',
    'one',
    'pipe',
    'soft',
    'split',
    'two',
    '600',
  ])
})
