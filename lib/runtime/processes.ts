import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { parseProcs, processDirs } from '../cgroup/operate.ts'
import { liveStat } from './proc.ts'
import type { RecordHead } from './record.ts'

/**
 * The pids (in the caller's pid namespace) of all processes of a container, in ascending order: those in its cgroup and
 * below. A container without a cgroup is looked up by its pid namespace.
 */
export async function listProcesses(head: RecordHead): Promise<number[]> {
  if (liveStat(head.pid, head.startTime) === null && head.cgroup.mode === 'disabled') return []
  for (const dir of processDirs(head.cgroup)) {
    const pids = await pidsBelow(dir)
    if (pids !== null) return [...new Set(pids)].filter((pid) => pid > 0).sort((a, b) => a - b)
  }
  return pidsInNamespace(head)
}

async function pidsBelow(dir: string): Promise<number[] | null> {
  const own = await readPids(dir)
  if (own === null) return null
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => pidsBelow(join(dir, entry.name))),
  )
  return [...own, ...below.flatMap((pids) => pids ?? [])]
}

/** null: there is no such cgroup. */
async function readPids(dir: string): Promise<number[] | null> {
  try {
    return parseProcs(await readFile(join(dir, 'cgroup.procs'), 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EOPNOTSUPP' && code !== 'ENOTSUP') return null
    return parseProcs(await readFile(join(dir, 'cgroup.threads'), 'utf8').catch(() => ''))
  }
}

async function pidsInNamespace(head: RecordHead): Promise<number[]> {
  if (liveStat(head.pid, head.startTime) === null) return []
  const [own, wanted] = await Promise.all([pidNamespace('self'), pidNamespace(head.pid)])
  if (wanted === null || wanted === own) return [head.pid]
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(all.map(async (pid) => ((await pidNamespace(pid)) === wanted ? pid : 0)))
  return found.filter((pid) => pid > 0).sort((a, b) => a - b)
}

function pidNamespace(pid: number | 'self'): Promise<string | null> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => null)
}
