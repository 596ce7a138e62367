import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { inCi } from './checkout.ts'
import { leftContainers } from './leaks.ts'
import { peers, peersHint } from './peers.ts'

const succeeds = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** Where Debian, Fedora and others keep libseccomp. */
function hasLibrary(name: string): boolean {
  return ['/usr/lib64', '/lib64', '/usr/lib', ...multiarch()].some((dir) => existsSync(`${dir}/${name}`))
}

function multiarch(): string[] {
  return readdirSync('/usr/lib')
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => `/usr/lib/${name}`)
}

/** What the whole suite needs; each with what to do where it is missing. */
const PREREQUISITES: { need: string; have: () => boolean }[] = [
  { need: 'root', have: () => process.getuid?.() === 0 },
  { need: 'the sandbox: run `npm test`', have: () => process.env.OCI_TS_SANDBOX === '1' },
  { need: 'busybox-static', have: () => existsSync('/bin/busybox') },
  { need: 'libseccomp2', have: () => hasLibrary('libseccomp.so.2') },
  {
    need: 'uidmap (newuidmap, newgidmap)',
    have: () => succeeds('sh', '-c', 'command -v newuidmap newgidmap'),
  },
  { need: 'user namespaces', have: () => succeeds('unshare', '--user', 'true') },
  { need: 'cgroups', have: () => / - cgroup2? /.test(readFileSync('/proc/self/mountinfo', 'utf8')) },
  { need: peersHint, have: () => peers() !== null },
]

/** What only building needs: in the VM the programs are there already. */
const BUILD_PREREQUISITES = [
  { need: 'gcc', have: () => succeeds('gcc', '--version') },
  { need: 'clang', have: () => succeeds('clang', '--version') },
  {
    need: 'g++ for arm64 (crossbuild-essential-arm64)',
    have: () => succeeds('aarch64-linux-gnu-g++', '--version'),
  },
]

function missing(): string[] {
  const all = process.env.OCI_TS_TEST_VM ? PREREQUISITES : [...PREREQUISITES, ...BUILD_PREREQUISITES]
  return all
    .filter(({ have }) => {
      try {
        return !have()
      } catch {
        return true
      }
    })
    .map(({ need }) => need)
}

/** Before the first test: in CI a missing prerequisite fails the run, elsewhere it is said. */
export function setup(): void {
  if (process.env.OCI_TS_TEST_SUBSET === 'unit') return
  const list = missing()
  if (list.length === 0) return
  const message = `missing prerequisites of the tests: ${list.join('; ')} (see scripts/setup-debian.sh)`
  if (inCi) throw new Error(message)
  console.warn(message)
}

/** After the last one: every container is gone from the default state directories. */
export function teardown(): void {
  // Outside the sandbox others' containers may be there.
  const left = process.env.OCI_TS_SANDBOX === '1' ? leftContainers() : []
  if (left.length > 0) throw new Error(`containers were left: ${left.join(', ')}`)
}
