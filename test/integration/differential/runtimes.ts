import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Bundle, type Config, run, spec } from 'oci-ts'
import type { Peers } from '../../harness/peers.ts'
import { parseProbe } from '../../harness/probe.ts'
import { makeBundle } from '../../harness/rootfs.ts'
import { removeTree, tempDir } from '../../harness/temp.ts'
import { normalize, type Values } from './normalize.ts'

/** The runtimes that are compared. */
export type RuntimeName = 'oci-ts' | 'runc' | 'crun'

/** What a case may refer to while it changes the config. */
export interface Place {
  /** The bundle's directory. `rootfs` in it is the root filesystem, ready to be changed. */
  bundle: string
  /** The container's id. */
  id: string
  /** Links to the namespaces of a process outside: `/proc/123/ns`. */
  outside: string
  /** A directory on another mount than the bundle's. */
  elsewhere: string
}

/** Why a peer's report is another: by peer and path of the report, in which one `*` stands for anything. */
export type Exceptions = Partial<Record<'runc' | 'crun', Record<string, string>>>

/** One bundle that every runtime runs. */
export interface Case {
  name: string
  /** Changes the default config (no terminal, no cgroup mount) and, in `place.bundle`, the files. */
  change?: (config: Config, place: Place) => void
  /** Paths that the probe looks at. */
  stat?: readonly string[]
  /** Keys that the probe reads: `net.ipv4.ip_forward`. */
  sysctl?: readonly string[]
  /** The argument vector's first item, where it is not `/probe`. */
  program?: string
  /** Shell words, expanded in the container, that become arguments of the probe and so part of the report. */
  show?: string
  /** What must be in the report: three runtimes that ignore a setting are not equal. */
  sees?: Record<string, unknown>
  /** Where a peer differs, and why. Each must still differ. */
  except?: Exceptions | undefined
  /** Peers that refuse the bundle, and why. */
  refused?: Partial<Record<'runc' | 'crun', string>> | undefined
}

let serial = 0

/** Runs a case under one runtime and returns what its process saw. */
export async function observe(
  runtime: RuntimeName,
  which: Case,
  found: Peers,
  around: Pick<Place, 'outside' | 'elsewhere'>,
): Promise<Values> {
  const id = `d-${process.pid}-${serial++}`
  const bundle = makeBundle({})
  try {
    const config = configOf(which)
    which.change?.(config, { bundle, id, ...around })
    const stdout =
      runtime === 'oci-ts' ? await ours(bundle, id, config) : theirs(found[runtime], bundle, id, config)
    return normalize(parseProbe(stdout), bundle, id)
  } finally {
    removeTree(bundle)
  }
}

function configOf({ stat = [], sysctl = [], program = '/probe', show }: Case): Config {
  const config = spec()
  const asked = [...stat.flatMap((path) => ['--stat', path]), ...sysctl.flatMap((key) => ['--sysctl', key])]
  const args = show ? ['sh', '-c', `exec ${program} ${asked.join(' ')} -- ${show}`] : [program, ...asked]
  config.process = { ...config.process, cwd: '/', terminal: false, args }
  // What it looks like depends on the host's hierarchies: a case of its own.
  config.mounts = config.mounts!.filter(({ type }) => type !== 'cgroup')
  return config
}

async function ours(bundle: string, id: string, config: Config): Promise<string> {
  const { exitCode, signal, stdout, stderr } = await run({
    bundle: await Bundle.create(bundle, config),
    id,
    root: tempDir(),
  })
  if (exitCode !== 0 || stderr) throw new Error(`oci-ts: code ${exitCode} signal ${signal}: ${stderr}`)
  return stdout
}

function theirs(program: string, bundle: string, id: string, config: Config): string {
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  const { status, signal, stdout, stderr } = spawnSync(
    program,
    ['--root', tempDir(), 'run', '--bundle', bundle, id],
    { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', timeout: 15_000, killSignal: 'SIGKILL' },
  )
  if (status !== 0) throw new Error(`${program}: code ${status} signal ${signal}: ${stderr}`)
  return stdout
}
