import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a life may leave something in, or something marked by. */
export interface Traces {
  id: string
  /** The oom_score_adj of its processes, which they inherit wherever they go. */
  mark: number
  bundle: string
  /** The life's own directory. */
  dir: string
}

/** Files of a life that are nobody's business but the caller's. */
const OWN_FILES = new Set(['alive', 'pid'])

/** The living processes of a life, wherever they are. */
export function processesOf({ mark }: Pick<Traces, 'mark'>): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1').trim() !== `${mark}`) return []
        const [, comm = '', state = ''] =
          /\((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
        return 'ZX'.includes(state) ? [] : [`process ${pid} (${comm})`]
      } catch {
        return []
      }
    })
}

/** What there is of a life besides its processes: cgroups, mounts, state and other files. */
export function filesOf({ id, bundle, dir }: Traces): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return [
    ...cgroupsNamed(id).map((path) => `cgroup ${path}`),
    ...mounts
      .filter((line) => [id, bundle, dir].some((name) => line.includes(name)))
      .map((line) => `mount ${line}`),
    ...entries('/run/oci-ts').flatMap((name) => (name.includes(id) ? [`state ${name}`] : [])),
    ...entries(dir).flatMap((name) => (OWN_FILES.has(name) ? [] : [`file ${name}`])),
    ...entries(bundle).flatMap((name) => (name === 'config.json' ? [] : [`file of the bundle ${name}`])),
  ]
}

/** Every cgroup that has the id in its name, at any depth, in all hierarchies. */
function cgroupsNamed(id: string): string[] {
  const mountpoints = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4]!)
  return mountpoints.flatMap((mountpoint) => below(mountpoint, id))
}

function below(dir: string, id: string): string[] {
  let names: string[]
  try {
    names = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
  return names.flatMap((name) => {
    const path = join(dir, name)
    return name.includes(id) ? [...below(path, ''), path] : below(path, id)
  })
}

function entries(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : []
}
