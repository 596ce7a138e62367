import { constants } from 'node:fs'
import { OciError } from '../errors.ts'
import { SLOT } from '../plan/slots.ts'
import type { Step } from '../plan/steps.ts'
import type { IdMaps } from '../plan/types.ts'
import { runBatch } from './batch.ts'
import { runProgram } from './program.ts'

type Mapping = IdMaps['uid'][number]

/** A slot of this batch for /proc/PID. */
const DIRECTORY = 20
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Writes the id maps of a process that waits in its new user namespace. Its /proc directory is opened first, and then
 * the pidfd says whether that was still the same process.
 */
export async function writeIdMaps(
  maps: IdMaps,
  pid: number,
  pidfd: number,
  containerId: string,
  signal?: AbortSignal,
): Promise<void> {
  const steps: Step[] = [
    { op: 'open', to: DIRECTORY, path: `/proc/${pid}`, flags: constants.O_RDONLY | constants.O_DIRECTORY },
    { op: 'signal', pidfd: SLOT.pidfd, signal: 0 },
  ]
  if (maps.denySetgroups) steps.push(write('setgroups', 'deny', undefined))
  if (!maps.helpers) {
    // The gid map first: with CAP_SETGID in the parent namespace the order does not matter, without it only this works.
    steps.push(write('gid_map', lines(maps.gid), '/linux/gidMappings'))
    steps.push(write('uid_map', lines(maps.uid), '/linux/uidMappings'))
  }
  await runBatch(steps, { slots: [SLOT.pidfd, pidfd], containerId })
  if (!maps.helpers) return
  await runHelper('newgidmap', pid, maps.gid, '/linux/gidMappings', containerId, signal)
  await runHelper('newuidmap', pid, maps.uid, '/linux/uidMappings', containerId, signal)
}

function write(path: string, text: string, from: string | undefined): Step {
  return { op: 'write', dir: DIRECTORY, path, data: Buffer.from(text), from }
}

function lines(mappings: readonly Mapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('')
}

async function runHelper(
  program: 'newuidmap' | 'newgidmap',
  pid: number,
  mappings: readonly Mapping[],
  path: string,
  containerId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const numbers = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size])
  const fail = (why: string, cause?: unknown) =>
    new OciError('ERR_OCI_PERMISSION', `${program}: ${why}`, {
      path,
      containerId,
      cause,
      hint: 'install the package uidmap, and give the user ranges in /etc/subuid and /etc/subgid',
    })
  let result: Awaited<ReturnType<typeof runProgram>>
  try {
    result = await runProgram({
      program,
      args: [program, String(pid), ...numbers.map(String)],
      env: [`PATH=${process.env.PATH || DEFAULT_PATH}`],
      cwd: '/',
      signal,
    })
  } catch (error) {
    if ((error as OciError).code === 'ERR_OCI_ABORTED') throw error
    throw fail('it could not be run', error)
  }
  if (result.exitCode !== 0)
    throw fail(result.output.trim() || `it ended with ${result.exitCode ?? result.signal}`)
}
