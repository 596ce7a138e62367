import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from 'oci-ts'
import { ALL } from './host.ts'
import type { Case, Place } from './runtimes.ts'

const STAGES = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const
type Stage = (typeof STAGES)[number]
const LOG = 'hooks.log'

/** A line of the log: the hook's name, what its state says, where it is, and whose namespaces it is in. */
const SCRIPT = String.raw`
whose() { [ "$(readlink /proc/self/ns/$1)" = "$2" ] && echo host || echo own; }
state=$(cat)
field() { echo "$state" | tr -d ' \\\n' | sed 's/.*"'$1'":"\{0,1\}\([^",}]*\).*/\1/'; }
known() { [ "$(field pid)" -gt 0 ] 2> /dev/null && echo known || echo none; }
place() { [ -e /probe ] && echo container || echo host; }
echo "$1 $(field status) $(field id) $(field bundle) pid: $(known) mnt: $(whose mnt "$3") net: $(whose net "$4")" \
  "pid: $(whose pid "$5") root: $(place) HOOK=$HOOK PATH=$PATH" >> "$2"
`

function hook(stage: Stage, { bundle }: Place, n: number) {
  const inside = stage === 'startContainer'
  const log = inside ? `/${LOG}` : join(bundle, 'rootfs', LOG)
  const links = ['mnt', 'net', 'pid'].map((kind) => readlinkSync(`/proc/self/ns/${kind}`))
  return {
    path: '/bin/sh',
    args: ['sh', '-c', SCRIPT, 'hook', `${stage}-${n}`, log, ...links],
    env: [`HOOK=${stage}`, 'PATH=/usr/bin:/bin'],
  }
}

const hooks =
  (...stages: Stage[]) =>
  (config: Config, place: Place) => {
    config.root!.readonly = false
    config.hooks = Object.fromEntries(
      stages.map((stage) => [stage, [1, 2].map((n) => hook(stage, place, n))]),
    )
  }

const FAILS = { path: '/bin/false' }
const FILE = `rootfs/${LOG}`
const ORDERED = STAGES.filter((stage) => stage !== 'poststart')
const STATUS = 'the container is being created: calls it created'

/** How crun's state differs, by the kind of hook. */
const CRUN: Readonly<Record<Stage, string | undefined>> = {
  prestart: STATUS,
  createRuntime: STATUS,
  createContainer: `${STATUS}, without a pid`,
  startContainer: 'has a status of its own, no pid, and the root for the bundle',
  poststart: undefined,
  poststop: undefined,
}

function crunDiffers(stages: readonly Stage[]): Record<string, string> {
  return Object.fromEntries(
    stages.flatMap((stage) => (CRUN[stage] ? [[`left.${FILE}.${stage}-*`, CRUN[stage]]] : [])),
  )
}

/** `/hooks`: what they see, and in which order they run. */
export const hookCases: Case[] = [
  {
    // Both peers run poststart beside startContainer.
    name: 'hooks: all in their order, but poststart',
    change: hooks(...ORDERED),
    leaves: [FILE],
    sees: { [`left.${FILE}`]: ORDERED.flatMap((stage) => [`${stage}-1`, `${stage}-2`]) },
    except: { crun: crunDiffers(ORDERED) },
  },
  ...STAGES.map((stage) => ({
    name: `hooks: ${stage}`,
    change: hooks(stage),
    leaves: [FILE],
    sees: { [`left.${FILE}`]: [`${stage}-1`, `${stage}-2`] },
    except: {
      runc:
        stage === 'poststart'
          ? { [`left.${FILE}.*`]: 'sometimes calls the container created that it has started' }
          : {},
      crun: crunDiffers([stage]),
    },
  })),
  ...STAGES.filter((stage) => stage !== 'poststop').map((stage) => ({
    name: `hooks: ${stage} fails`,
    change: (config: Config) => {
      config.hooks = { [stage]: [FAILS] }
    },
    refused: ALL('the hook failed'),
  })),
  {
    name: 'hooks: poststop fails',
    change: (config, place) => {
      hooks('poststop')(config, place)
      config.hooks!.poststop!.unshift(FAILS)
    },
    leaves: [FILE],
    sees: { [`left.${FILE}`]: ['poststop-1', 'poststop-2'] },
    except: { runc: { [`left.${FILE}*`]: 'the remaining hooks must run: leaves them out' } },
  },
  {
    name: 'hooks: what createContainer mounts is there',
    change: (config, { bundle }) => {
      config.root!.readonly = false
      const target = join(bundle, 'rootfs/opt')
      config.hooks = {
        createContainer: [
          { path: '/bin/mount', args: ['mount', '-t', 'tmpfs', '-o', 'mode=711', 'hooked', target] },
        ],
      }
    },
    stat: ['/opt'],
    sees: { 'paths./opt.mode': '0711' },
  },
]
