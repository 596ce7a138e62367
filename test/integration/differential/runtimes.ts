import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Bundle, type Config, Container, spec } from 'oci-ts'
import { slowness } from '../../harness/checkout.ts'
import type { Peers } from '../../harness/peers.ts'
import { parseProbe } from '../../harness/probe.ts'
import { consoleReceiverBinary } from '../../harness/programs.ts'
import { makeBundle } from '../../harness/rootfs.ts'
import { removeTree, tempDir } from '../../harness/temp.ts'
import { normalize, type Values } from './normalize.ts'
import { type Outsider, startOutsider } from './outsider.ts'

/** The runtimes that are compared. */
export type RuntimeName = 'oci-ts' | 'runc' | 'crun'

/** What a case may refer to while it changes the config. */
export interface Place {
  /** The bundle's directory. `rootfs` in it is the root filesystem, ready to be changed. */
  bundle: string
  /** The container's id. */
  id: string
  /** Links to the namespaces of a process outside (`/proc/123/ns`), where the case has one. */
  outside: string
  /** A directory on another mount than the bundle's. */
  elsewhere: string
}

/**
 * Why a peer's report is another: by peer and path of the report, in which one `*` stands for anything. It must be
 * another in each run, unless the reason begins with `sometimes`.
 */
export type Exceptions = Partial<Record<'runc' | 'crun', Record<string, string>>>

/** One bundle that every runtime runs. */
export interface Case {
  name: string
  /** Changes the default config (no terminal, no cgroup mount) and, in `place.bundle`, the files. */
  change?: ((config: Config, place: Place) => void) | undefined
  /** Namespaces of its own that a process outside has, as options of unshare(1). */
  outsider?: readonly string[]
  /** Paths that the probe looks at. */
  stat?: readonly string[] | undefined
  /** Keys that the probe reads: `net.ipv4.ip_forward`. */
  sysctl?: readonly string[]
  /** Numbers of system calls that the probe tries with arguments of 0. */
  syscall?: readonly number[]
  /** The argument vector's first item, where it is not `/probe`. */
  program?: string
  /** Shell words, expanded in the container, that become arguments of the probe and so part of the report. */
  show?: string
  /** Files in the bundle that are compared when the container is gone. Each line begins with a word of its own. */
  leaves?: readonly string[]
  /** Without pivot_root(2). */
  noPivot?: boolean
  /** How many descriptors, from 3 on, are handed on. */
  preserveFds?: number
  /** What must be in the report: three runtimes that ignore a setting are not equal. */
  sees?: Record<string, unknown> | undefined
  /** Where a peer differs, and why. Each must still differ. */
  except?: Exceptions | undefined
  /** Runtimes that refuse the bundle, and why. */
  refused?: Partial<Record<RuntimeName, string>> | undefined
  /** Peers that must not run the bundle, because they would hang or spoil the host, and why. */
  kept?: Partial<Record<'runc' | 'crun', string>> | undefined
}

/** A container that is to be run. */
interface Job {
  bundle: string
  id: string
  config: Config
  which: Case
}

let serial = 0

/** Runs a case under one runtime and returns what its process saw. */
export async function observe(
  runtime: RuntimeName,
  which: Case,
  found: Peers,
  elsewhere: string,
): Promise<Values> {
  const id = `d-${process.pid}-${serial++}`
  const bundle = makeBundle({})
  let outsider: Outsider | undefined
  try {
    if (which.outsider) outsider = await startOutsider(which.outsider)
    const config = configOf(which)
    const outside = outsider?.namespaces ?? ''
    which.change?.(config, { bundle, id, outside, elsewhere })
    const job = { bundle, id, config, which }
    const stdout = runtime === 'oci-ts' ? await ours(job) : await theirs(runtime, found[runtime], job)
    const values = normalize(parseProbe(stdout), bundle, id, outside)
    for (const file of which.leaves ?? []) Object.assign(values, left(file, bundle, id))
    return values
  } finally {
    await outsider?.end()
    removeTree(bundle)
  }
}

/** The lines of a file in the bundle by their first words, and the order of those. */
function left(file: string, bundle: string, id: string): Values {
  const path = join(bundle, file)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const lines = text.replaceAll(bundle, 'BUNDLE').replaceAll(id, 'ID').split('\n').filter(Boolean)
  const words = lines.map((line) => line.split(' ')[0])
  return Object.fromEntries([
    [`left.${file}`, JSON.stringify(words)],
    ...lines.map((line, index) => [`left.${file}.${words[index]}`, JSON.stringify(line)]),
  ])
}

function configOf({ stat = [], sysctl = [], syscall = [], program = '/probe', show }: Case): Config {
  const config = spec()
  const asked = [
    ...stat.flatMap((path) => ['--stat', path]),
    ...sysctl.flatMap((key) => ['--sysctl', key]),
    ...syscall.flatMap((number) => ['--syscall', String(number)]),
  ]
  const args = show ? ['sh', '-c', `exec ${program} ${asked.join(' ')} -- ${show}`] : [program, ...asked]
  config.process = { ...config.process, cwd: '/', terminal: false, args }
  // What it looks like depends on the host's hierarchies: a case of its own.
  config.mounts = config.mounts!.filter(({ type }) => type !== 'cgroup')
  return config
}

async function ours({ bundle, id, config, which }: Job): Promise<string> {
  const fds = Array.from({ length: which.preserveFds ?? 0 }, () => openSync('/dev/null', 'r'))
  const options = {
    bundle: await Bundle.create(bundle, config),
    root: tempDir(),
    noPivot: which.noPivot,
    preserveFds: fds.length > 0 ? fds : undefined,
  }
  try {
    if (config.process!.terminal) {
      return await terminal(async (consoleSocket) => {
        const container = await Container.create(id, { ...options, consoleSocket })
        await container.start()
        await container.wait()
        await container.delete()
      })
    }
    await using container = await Container.create(id, options)
    const output = Promise.all([container.stdout, container.stderr].map(textOf))
    await container.start()
    const { exitCode, signal } = await container.wait()
    const [stdout = '', stderr] = await output
    if (exitCode !== 0 || stderr) throw new Error(`oci-ts: code ${exitCode} signal ${signal}: ${stderr}`)
    return stdout
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  for await (const chunk of stream!) text += chunk
  return text
}

async function theirs(name: string, program: string, { bundle, id, config, which }: Job): Promise<string> {
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  const global = ['--root', tempDir()]
  const options = [
    ...(which.noPivot ? ['--no-pivot'] : []),
    ...(which.preserveFds ? ['--preserve-fds', String(which.preserveFds)] : []),
    ...['--bundle', bundle],
  ]
  if (config.process!.terminal) {
    return terminal((socket) => {
      const call = (...args: string[]) => execFileSync(program, [...global, ...args], { stdio: 'ignore' })
      call('create', ...options, '--console-socket', socket, id)
      call('start', id)
      return () => call('delete', '--force', id)
    })
  }
  const preserved = Array.from({ length: which.preserveFds ?? 0 }, () => openSync('/dev/null', 'r'))
  const { status, signal, stdout, stderr } = spawnSync(program, [...global, 'run', ...options, id], {
    stdio: ['ignore', 'pipe', 'pipe', ...preserved],
    encoding: 'utf8',
    timeout: 15_000 * slowness,
    killSignal: 'SIGKILL',
  })
  for (const fd of preserved) closeSync(fd)
  if (status !== 0) throw new Error(`${name}: code ${status} signal ${signal}: ${stderr}`)
  return stdout
}

/**
 * What a container shows on its terminal, whose master a console socket gets.
 *
 * @param start starts the container; may return what to do when its process has ended
 */
async function terminal(start: (socket: string) => Promise<void> | (() => void)): Promise<string> {
  const socket = join(tempDir(), 'console.sock')
  const receiver = spawn(consoleReceiverBinary(), [socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    receiver.stdout.setEncoding('utf8')
    const [up] = await once(receiver.stdout, 'data')
    if (up !== 'up\n') throw new Error(`the receiver said ${JSON.stringify(up)}`)
    const output = textOf(receiver.stdout)
    const end = await start(socket)
    // The first line is the word that came with the master.
    const text = (await output).replace(/^[^\n]*\n/, '')
    end?.()
    return text
  } finally {
    receiver.kill('SIGKILL')
  }
}
