import type { CgroupLocation } from './types.ts'

/** By which files a cgroup tells that memory ran out. */
export interface OomFiles {
  version: 1 | 2
  /** Has the number of kills: memory.oom_control, or memory.events. */
  counts: string
  /** cgroup v1: where an eventfd is registered to be told. */
  control?: string
}

/** The files of a container's cgroup; null if it has no memory cgroup that could be known of. */
export function oomFiles({ v1, v2 }: CgroupLocation): OomFiles | null {
  const memory = v1.find(({ controllers }) => controllers.includes('memory'))
  if (memory) {
    const { dir } = memory
    return { version: 1, counts: `${dir}/memory.oom_control`, control: `${dir}/cgroup.event_control` }
  }
  return v2 && { version: 2, counts: `${v2.dir}/memory.events` }
}

/** How many processes were killed because memory ran out, from the text of `counts`. */
export function oomKillCount(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
}
