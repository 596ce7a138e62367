import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Container, type OciError, spec } from '../../lib/index.ts'
import type { Config } from '../../types/index.ts'
import { makeRootfs } from '../harness/rootfs.ts'
import { tempDir } from '../harness/temp.ts'

/** A bundle whose root filesystem a test may spoil, and a directory of the host that nothing may reach. */
export interface Hostile {
  bundle: string
  rootfs: string
  /** On the host, outside of the root filesystem. Empty. */
  outside: string
}

/** Makes one. */
export function hostile(): Hostile {
  const bundle = tempDir('oci-ts-hostile-')
  const outside = join(bundle, 'outside')
  mkdirSync(outside)
  return { bundle, rootfs: makeRootfs({ dir: join(bundle, 'rootfs') }), outside }
}

/** What a container printed. */
export interface Output {
  exitCode: number | null
  stdout: string
  stderr: string
}

let count = 0

/**
 * Runs a shell script in a container with the default config (no terminal), which `change` may alter.
 *
 * @throws OciError if the container can't be created or started
 */
export async function runScript(
  { bundle }: Hostile,
  script: string,
  change: (config: Config) => void = () => {},
): Promise<Output> {
  const config = spec()
  if (!config.process) throw new Error('the default config has a process')
  config.process.terminal = false
  config.process.args = ['/bin/sh', '-c', script]
  config.root.readonly = false
  change(config)
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  await using container = await Container.create(`hostile-${process.pid}-${count++}`, { bundle })
  const stdout = text(container.stdout)
  const stderr = text(container.stderr)
  await container.start()
  const { exitCode } = await container.wait()
  return { exitCode, stdout: await stdout, stderr: await stderr }
}

/** The error with which a promise is rejected. */
export async function failure(promise: Promise<unknown>): Promise<OciError> {
  try {
    await promise
  } catch (error) {
    return error as OciError
  }
  throw new Error('expected a failure, but all went well')
}

async function text(stream: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = []
  if (stream) for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
