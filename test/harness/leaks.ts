import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What the library may hold for the life of the process, and Node, V8 and vitest open when they like:
 * the sealed init program, event loop internals, source files.
 */
const LASTING = [
  /^\/memfd:/,
  /^anon_inode:\[(eventpoll|eventfd|io_uring|timerfd)\]$/,
  /^anon_inode:inotify$/,
  /^\/dev\/(null|urandom|random)$/,
  /^\/proc(\/|$)/,
  /^\/$/,
  /\.(ts|js|mjs|cjs|json|node|map)$/,
  /\/node_modules\//,
]

/** The open file descriptors of this process with what they point to. */
export function openFds(): Map<number, string> {
  const fds = new Map<number, string>()
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      fds.set(Number(name), readlinkSync(`/proc/self/fd/${name}`))
    } catch {
      // The one that reading the directory had open.
    }
  }
  return fds
}

/** How many threads this process has. */
export function threadCount(): number {
  return Number(/^Threads:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

/**
 * Notes what is open now and returns a check for later: it names every descriptor that has come since
 * and stays for another second, aside from what the library is meant to keep.
 */
export async function watchFds(): Promise<() => Promise<string[]>> {
  // The first child process makes Node open the pipe on which it hears of SIGCHLD.
  await once(spawn('/bin/true', { stdio: 'ignore' }), 'exit')
  const before = openFds()
  const leaked = () =>
    [...openFds()]
      .filter(([fd, target]) => before.get(fd) !== target && !LASTING.some((pattern) => pattern.test(target)))
      .map(([fd, target]) => `fd ${fd} → ${target}`)
  return async () => {
    for (let round = 0; round < 20 && leaked().length > 0; round++) {
      globalThis.gc?.()
      await sleep(50)
    }
    return leaked()
  }
}

/** Directories where containers' states may be found. */
export function stateRoots(): string[] {
  const runtime = process.env.XDG_RUNTIME_DIR
  return ['/run/oci-ts', ...(runtime ? [join(runtime, 'oci-ts')] : [])]
}

/** Containers in the default state directories: none, once all tests are over. */
export function leftContainers(): string[] {
  return stateRoots()
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root).map((name) => join(root, name)))
}
