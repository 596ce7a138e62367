import { readdirSync, readFileSync } from 'node:fs'
import { Bundle, type Config, Container, type CreateOptions, OciError, spec } from 'oci-ts'
import { expect } from 'vitest'
import { slowness } from '../../harness/checkout.ts'
import { makeRootfs } from '../../harness/rootfs.ts'
import { tempDir } from '../../harness/temp.ts'

let rootfs: string | undefined

/** One root filesystem for all containers of a test file that don't change it. */
export function sharedRootfs(): string {
  rootfs ??= makeRootfs()
  return rootfs
}

/** The default config without a terminal, that runs a shell script (or an argument vector). */
export function shellConfig(script: string | string[], change: (config: Config) => void = () => {}): Config {
  const config = spec()
  config.root = { path: sharedRootfs(), readonly: true }
  config.process!.terminal = false
  config.process!.args = typeof script === 'string' ? ['sh', '-c', script] : script
  change(config)
  return config
}

/** A bundle in a directory of its own. */
export function bundleOf(config: Config): Promise<Bundle> {
  return Bundle.create(tempDir('oci-ts-bundle-'), config)
}

let serial = 0

/** An id that no other test has. */
export function freshId(): string {
  return `t-${process.pid}-${serial++}`
}

/** Creates a container that runs a script. */
export async function createShell(
  script: string | string[],
  options: Partial<CreateOptions> = {},
  change?: (config: Config) => void,
): Promise<Container> {
  return Container.create(freshId(), { bundle: await bundleOf(shellConfig(script, change)), ...options })
}

/** Everything that a stream gives, as text. */
export async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  for await (const chunk of stream!) text += chunk
  return text
}

/** Runs a script in a new container to its end. */
export async function runShell(
  script: string | string[],
  change?: (config: Config) => void,
  options: Partial<CreateOptions> = {},
) {
  await using container = await createShell(script, options, change)
  const output = Promise.all([textOf(container.stdout), textOf(container.stderr)])
  await container.start()
  const status = await container.wait()
  const [stdout, stderr] = await output
  return { ...status, stdout, stderr }
}

/** Expects an OciError with this code, and returns it. */
export async function failure(promise: Promise<unknown>, code: string): Promise<OciError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error, 'it should fail').toBeInstanceOf(OciError)
  expect((error as OciError).code, (error as OciError).message).toBe(code)
  return error as OciError
}

/** Paths of every cgroup whose name contains the id. */
export function cgroupsOf(id: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4]!)
    .flatMap((mountpoint) =>
      readdirSync(mountpoint, { recursive: false })
        .map(String)
        .filter((name) => name.includes(id))
        .map((name) => `${mountpoint}/${name}`),
    )
}

/** Whether a process with this pid is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000 * slowness
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
