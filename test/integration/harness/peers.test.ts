import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Peers, peers, peersHint } from '../../harness/peers.ts'
import { parseProbe } from '../../harness/probe.ts'
import { makeBundle } from '../../harness/rootfs.ts'
import { removeTree, tempDir } from '../../harness/temp.ts'

const found = peers()

/** runc's own default config, with the probe as its program. */
function probeBundle(runc: string): string {
  const bundle = makeBundle({})
  execFileSync('rm', [join(bundle, 'config.json')])
  execFileSync(runc, ['spec'], { cwd: bundle })
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))
  config.process.terminal = false
  config.process.args = ['/probe']
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  return bundle
}

describe.skipIf(!found)(`peers${found ? '' : ` (${peersHint})`}`, () => {
  const { runc, crun } = found as Peers

  test.each([
    ['runc', runc],
    ['crun', crun],
  ])('%s runs the probe in a container', (name, program) => {
    const bundle = probeBundle(runc)
    const { stdout, stderr, status } = spawnSync(program, ['run', '--bundle', bundle, `harness-${name}`])
    expect({ stderr: stderr.toString(), status }).toEqual({ stderr: '', status: 0 })
    const report = parseProbe(stdout)
    expect(report.process).toMatchObject({ pid: 1, cwd: '/', argv: ['/probe'] })
    expect(report.host.hostname).toBe('runc')
    expect(report.caps).toMatchObject({ effective: '0000000020000420', noNewPrivileges: true })
    expect(report.mounts?.find((mount) => mount.mountpoint === '/')?.options).toContain('ro')
  })
})

describe('clean-up', () => {
  test('refuses a directory in which something is mounted, and touches nothing', () => {
    const dir = tempDir()
    const inner = join(dir, 'inner')
    execFileSync('mkdir', [inner])
    writeFileSync(join(dir, 'kept'), '')
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', inner])
    expect(() => removeTree(dir)).toThrow(inner)
    expect(readFileSync(join(dir, 'kept'), 'utf8')).toBe('')
    execFileSync('umount', [inner])
    removeTree(dir)
    expect(() => readFileSync(join(dir, 'kept'))).toThrow('ENOENT')
  })
})
