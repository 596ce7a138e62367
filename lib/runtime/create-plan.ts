import { join, resolve } from 'node:path'
import { Bundle } from '../bundle.ts'
import { compileCreate } from '../plan/create.ts'
import { type Encodable, encodeRun } from '../plan/encode.ts'
import type { Step } from '../plan/steps.ts'
import type { CreateInput, Launch } from '../plan/types.ts'
import { type CgroupManager, type PlannedCgroup, planCgroup } from './cgroups.ts'
import { hostFacts, type RuntimeFacts } from './facts.ts'
import { withListenFds } from './listen-fds.ts'
import { namespaceIds } from './namespaces.ts'
import { withNotify } from './notify.ts'
import type { CheckedCreate } from './options.ts'
import { RECORD_VERSION, type RecordHead } from './record.ts'
import { compileSeccomp } from './seccomp.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'
import { NOTIFY_DIR, stateDir } from './store.ts'
import { type Fill, fillOf, makeHole } from './template.ts'

/** What is planned for a container before anything is touched. */
export interface CreatePlan {
  snapshot: Snapshot
  head: RecordHead
  launch: Launch
  cgroup: PlannedCgroup
}

/** The part of it that is compiled. */
type Compiled = Pick<CreatePlan, 'launch' | 'cgroup'>

/** What a plan depends on besides the id. */
interface Source {
  root: string
  bundle: string
  snapshot: Snapshot
  options: CheckedCreate
  facts: RuntimeFacts
  seccomp: CreateInput['seccomp']
  namespaceIds: CreateInput['namespaceIds']
}

/** By the options that plans depend on: a template, null where there can be none, 'once' where one compile was seen. */
type Templates = Map<string, Fill<Compiled> | null | 'once'>

const templates = new WeakMap<Snapshot, Templates>()

/**
 * Plans a container. Nothing is touched.
 *
 * A bundle's second container gets a template, which the later ones fill with their id: compiling takes longer than
 * everything else that JavaScript does for a create.
 */
export async function planCreate(root: string, id: string, options: CheckedCreate): Promise<CreatePlan> {
  const { warn } = options
  const facts = await hostFacts()
  const bundle =
    typeof options.bundle === 'string'
      ? await Bundle.load(options.bundle, { onWarning: warn })
      : options.bundle
  const snapshot = snapshotOf(bundle, warn)
  const { config } = snapshot
  const seccomp = await compileSeccomp(config)
  const source: Source = {
    root,
    bundle: bundle.dir,
    snapshot,
    options,
    facts,
    seccomp,
    namespaceIds: namespaceIds(config),
  }
  const { launch, cgroup } = compileOrFill(id, source)
  for (const warning of [...(cgroup.creation?.warnings ?? []), ...launch.warnings]) warn(warning)
  const head: RecordHead = {
    version: RECORD_VERSION,
    id,
    bundle: bundle.dir,
    rootfs: resolve(bundle.dir, config.root.path),
    pid: 0,
    startTime: 0,
    created: new Date().toISOString(),
    owner: facts.userName,
    uid: facts.euid,
    cgroup: cgroup.location,
    annotations: config.annotations ?? {},
    start: {
      tail: launch.tail,
      preserveFds: options.preserveFds.length,
      listenPid: options.listenFds > 0,
      setgroupsDenied: launch.maps?.denySetgroups ?? false,
    },
  }
  return { snapshot, head, launch, cgroup }
}

/** The plan of a container that would be created, without creating it. */
export async function planContainer(id: string, options: CheckedCreate): Promise<Launch> {
  return (await planCreate('/', id, options)).launch
}

function compileOrFill(id: string, source: Source): Compiled {
  const key = templateKey(source)
  if (key === null) return compile(id, source)
  const known = templates.get(source.snapshot) ?? (new Map() as Templates)
  if (known.size === 0) templates.set(source.snapshot, known)
  const seen = known.get(key)
  const template = seen === 'once' ? makeTemplate(source) : seen
  known.set(key, template === undefined ? 'once' : template)
  return typeof template === 'function' ? template(id) : compile(id, source)
}

/**
 * What a plan depends on besides the id, the snapshot and what never changes in a process; null: on more than that can
 * say.
 */
function templateKey({ options, facts, namespaceIds }: Source): string | null {
  const { cgroupManager, noPivot, noNewKeyring, preserveFds, consoleSocket, listenFds } = options
  const rootless = options.rootless ?? facts.rootless
  // Whose rights in the cgroup tree may change, and what is behind a path.
  if (rootless || namespaceIds !== undefined || options.notify || options.listenFdNames !== undefined)
    return null
  return [
    cgroupManager,
    noPivot,
    noNewKeyring,
    preserveFds.length,
    consoleSocket !== undefined,
    listenFds,
  ].join()
}

function compile(id: string, source: Source): Compiled {
  const { options, facts, snapshot } = source
  const { listenFds, listenFdNames, notify, preserveFds, consoleSocket, noPivot, noNewKeyring } = options
  const { config } = snapshot
  const rootless = options.rootless ?? facts.rootless
  const cgroup = planCgroup(id, config, options.cgroupManager as CgroupManager, { ...facts, rootless })
  const { location, creation } = cgroup
  const launch = compileCreate({
    id,
    config: withNotify(
      withListenFds(config, listenFds, listenFdNames),
      notify ? join(stateDir(source.root, id), NOTIFY_DIR) : null,
    ),
    bundle: source.bundle,
    host: facts,
    namespaceIds: source.namespaceIds,
    cgroup: creation && { location, creation },
    seccomp: source.seccomp,
    noPivot,
    noNewKeyring,
    preserveFds: preserveFds.length,
    consoleSocket: consoleSocket !== undefined,
    listenPid: listenFds > 0,
  })
  return { launch, cgroup }
}

function makeTemplate(source: Source): Fill<Compiled> | null {
  const hole = makeHole()
  const compiled = compile(hole, source)
  try {
    const steps = compiled.launch.init.map((step) => fillOf(step, hole))
    const encodable = encodeConstant(compiled.launch.init, steps)
    const fill = fillOf(compiled, hole) ?? (() => compiled)
    return (id) => {
      const { launch, cgroup } = fill(id)
      return { cgroup, launch: { ...launch, encodable: encodable(launch.init) } }
    }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** Encodes what is the same for every id; the rest is taken from the plan that is given. */
function encodeConstant(
  init: readonly Step[],
  fills: readonly (Fill<Step> | null)[],
): (plan: readonly Step[]) => Encodable {
  const parts: (ReturnType<typeof encodeRun> | number)[] = []
  for (let begin = 0; begin < init.length; ) {
    let end = begin
    while (end < init.length && fills[end] === null) end++
    if (end > begin) parts.push(encodeRun(init.slice(begin, end)))
    if (end < init.length) parts.push(end++)
    begin = end
  }
  return (plan) => parts.map((part) => (typeof part === 'number' ? plan[part]! : part))
}
