import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync, writeFileSync } from 'node:fs'

/** A process with namespaces that a container may join. */
export interface Outsider {
  /** `/proc/123/ns`. A new pid or time namespace is at its `pid_for_children` and `time_for_children`. */
  namespaces: string
  /** Ends it. */
  end(): Promise<void>
}

/**
 * Starts a process in new namespaces. A user namespace maps every id to itself, a uts namespace is called `joined`, a
 * time namespace is an hour ahead.
 *
 * @param options of unshare(1)
 */
export async function startOutsider(options: readonly string[]): Promise<Outsider> {
  const forks = options.some((option) => option === '--pid' || option === '--time')
  const more = [
    ...(forks ? ['--fork', '--kill-child'] : []),
    ...(options.includes('--time') ? ['--boottime', '3600'] : []),
  ]
  const name = options.includes('--uts') ? 'hostname joined;' : ''
  const script = `echo ready; read go; ${name} echo named; exec sleep 1000`
  const child = spawn('unshare', [...options, ...more, 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const namespaces = `/proc/${child.pid}/ns`
  const end = async () => {
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    child.stdin.destroy()
    await ended
  }
  try {
    await once(child.stdout, 'data')
    if (options.includes('--user'))
      for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, '0 0 4294967295')
    child.stdin.write('go\n')
    await once(child.stdout, 'data')
    check(options, namespaces)
    return { namespaces, end }
  } catch (error) {
    await end()
    throw error
  }
}

function check(options: readonly string[], namespaces: string): void {
  for (const option of options) {
    const kind = option.slice(2)
    const link = { mount: 'mnt', pid: 'pid_for_children', time: 'time_for_children' }[kind] ?? kind
    if (readlinkSync(`${namespaces}/${link}`) === readlinkSync(`/proc/self/ns/${link}`))
      throw new Error(`the process outside shares our ${link}`)
  }
}
