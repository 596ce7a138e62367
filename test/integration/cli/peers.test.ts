import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { peers } from '../../harness/peers.ts'
import { changeConfig, cli, type Place, place, type Ran } from './place.ts'

const found = peers()
const PEER = 'peer'

/** The same command line under runc. */
function runc(at: Place, args: string[]): Ran {
  const options = { cwd: at.dir, input: '', encoding: 'utf8', timeout: 15_000 } as const
  const { status, stdout, stderr } = spawnSync(found!.runc, ['--root', join(at.dir, PEER), ...args], options)
  return { code: status ?? -1, stdout, stderr }
}

/** The words of each log line. */
function messages({ stderr }: Ran): string[] {
  return [...stderr.matchAll(/msg=("(?:[^"\\]|\\.)*")/g)].map(([, text]) =>
    (JSON.parse(text!) as string)
      .replaceAll(found!.runc, 'oci-ts')
      .replaceAll('runc', 'oci-ts')
      .replaceAll(/\/tmp\/oci-ts-\w+\//g, '')
      .trim(),
  )
}

/** Output without what differs between two containers, and without help texts, which are each program's own. */
function shape({ stdout }: Ran): string {
  if (stdout.includes('USAGE:')) return stdout.split('\n')[0]!
  return (
    stdout
      .replaceAll('runc', 'oci-ts')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z *|\d\d:\d\d(:\d\d)?/g, 'TIME ')
      .replaceAll(/("ociVersion": ?)"[^"]*"/g, '$1VERSION')
      // runc's state leaves it out.
      .replaceAll(/ {2}"owner": "[^"]*"/g, '')
      .replaceAll(/CREATED +/g, 'CREATED ')
      // The column is as wide as the number.
      .replaceAll(/ *\b\d+\b(?: +(?=created|running|paused|stopped))?/g, ' N ')
  )
}

type Case = [args: string, same?: 'words differ']

/** In order: each sees what those before have done. `ID` is the container. */
const CASES: Case[] = [
  ['spec'],
  ['spec extra'],
  ['list'],
  ['list -q'],
  ['list -f json'],
  ['list -f bogus'],
  ['list extra'],
  ['nothing'],
  ['help nothing'],
  ['--bogus'],
  ['run --bogus ID'],
  ['run'],
  ['run ID more'],
  ['run a/b'],
  ['state ..'],
  ['state'],
  ['state ID'],
  ['start ID'],
  ['kill ID'],
  ['kill -a ID'],
  ['delete ID'],
  ['delete -f ID'],
  ['pause ID'],
  ['resume ID'],
  ['ps ID'],
  ['update ID'],
  ['events'],
  ['events ID'],
  ['events --stats ID more'],
  ['exec'],
  ['exec ID'],
  ['exec ID true'],
  ['--root / list'],
  ['--log-format bogus list'],
  ['--log-format json state ID'],
  ['--log-format=json --log no/such/dir state ID', 'words differ'],
  ['create --bundle nowhere ID', 'words differ'],
  ['create --console-socket s ID'],
  ['run --console-socket s ID'],
  ['create ID'],
  ['create ID'],
  ['state ID'],
  ['list'],
  ['list -q'],
  ['list --format json'],
  ['exec ID true'],
  ['pause ID'],
  ['state ID'],
  ['start ID'],
  ['delete ID'],
  ['resume ID'],
  ['resume ID'],
  ['start ID'],
  ['start ID'],
  ['state ID'],
  ['delete ID'],
  ['exec ID false'],
  ['exec ID sh -c exit\u00a07'],
  ['exec ID sh -c kill\u00a0-9\u00a0$$'],
  ['exec ID nosuch', 'words differ'],
  ['exec --cwd / ID pwd'],
  ['exec --env A=b ID sh -c echo\u00a0$A'],
  ['exec -u 12:34 -g 5 ID id -G', 'words differ'],
  ['exec -u foo ID id', 'words differ'],
  ['exec -u 1: ID id', 'words differ'],
  ['exec -g foo ID id', 'words differ'],
  ['exec -d -t ID true'],
  ['exec --console-socket s ID true'],
  ['exec --cap CAP_NET_RAW ID grep Cap /proc/self/status'],
  ['exec --no-new-privs ID grep NoNewPrivs /proc/self/status'],
  ['exec --cgroup ../x ID true', 'words differ'],
  ['exec --cgroup / ID true'],
  ['exec --process nowhere ID'],
  ['exec --process process.json ID'],
  ['exec ID -- id', 'words differ'],
  ['exec -- ID id -u'],
  ['exec --preserve-fds foo ID true'],
  ['ps -f json ID'],
  ['ps -f bogus ID'],
  ['ps ID -o pid,args'],
  ['ps ID -o args'],
  ['ps ID --bogus'],
  ['update --pids-limit 20 ID'],
  ['update --pids-limit foo ID'],
  ['update --memory 64m --memory-swap -1 ID'],
  ['update --memory bogus ID', 'words differ'],
  ['update --cpu-share 512 --cpu-quota 20000 --cpu-period 100000 ID'],
  ['update --cpu-share foo ID', 'words differ'],
  ['update --kernel-memory 5 ID'],
  ['update -r nowhere ID'],
  ['update -r resources.json ID'],
  ['update --cpuset-cpus 999 ID', 'words differ'],
  ['pause ID'],
  ['pause ID'],
  ['exec ID true'],
  ['state ID'],
  ['resume ID'],
  ['events --interval 0s ID'],
  ['events --interval -5ms ID'],
  ['events --interval 5 ID'],
  ['events --interval foo ID'],
  ['kill ID 0'],
  ['kill ID BOGUS'],
  ['kill ID KILL'],
  ['state ID'],
  ['kill ID'],
  ['kill -a ID KILL'],
  ['events ID'],
  ['events --stats ID'],
  ['events --interval 0s ID'],
  ['exec ID true'],
  ['start ID'],
  ['pause ID'],
  ['resume ID'],
  ['update --pids-limit 3 ID'],
  ['ps ID'],
  ['list'],
  ['delete ID'],
  ['delete ID'],
  ['run --keep ID'],
  ['state ID'],
  ['delete ID'],
]

test.skipIf(found === null)(
  'command after command: exit code, output and messages are runc’s',
  async () => {
    const at = await place(['sleep', '1000'])
    rmSync(join(at.dir, 'config.json'))
    mkdirSync(join(at.dir, PEER))
    writeFileSync(
      join(at.dir, 'process.json'),
      JSON.stringify({ args: ['pwd'], cwd: '/bin', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } }),
    )
    writeFileSync(join(at.dir, 'resources.json'), JSON.stringify({ pids: { limit: 30 } }))
    const differ: unknown[] = []
    let spec = ''
    for (const [line, same] of CASES) {
      // Blanks within an argument are written as no-break spaces.
      const words = line.split(' ').map((word) => word.replaceAll('\u00a0', ' '))
      const put = (id: string) => words.map((word) => (word === 'ID' ? id : word))
      if (line === 'run --keep ID')
        changeConfig(at, (config) => {
          config.process.args = ['sh', '-c', 'exit 3']
        })
      const ours = await cli(at, put('ours'))
      if (line === 'spec') {
        spec = readFileSync(join(at.dir, 'config.json'), 'utf8')
        rmSync(join(at.dir, 'config.json'))
      }
      const theirs = runc(at, put(PEER))
      if (line === 'spec') {
        const other = readFileSync(join(at.dir, 'config.json'), 'utf8')
        const plain = (text: string) => text.replace(/"(ociVersion|hostname)": "[^"]*"/g, '$1')
        expect(plain(spec)).toBe(plain(other))
        changeConfig(at, (config) => {
          config.process.terminal = false
          config.process.args = ['sleep', '1000']
        })
      }
      const named = (text: string) => text.replaceAll(PEER, 'ours')
      const us = { code: ours.code, out: shape(ours), messages: same ? [] : messages(ours) }
      const them = {
        code: theirs.code,
        out: named(shape(theirs)),
        messages: same ? [] : messages(theirs).map(named),
      }
      if (same && us.code === them.code && line.includes('-g')) continue
      if (JSON.stringify(us) !== JSON.stringify(them)) differ.push({ line, us, them })
      if (line === 'kill ID KILL') await new Promise((resolve) => setTimeout(resolve, 300))
    }
    expect(differ).toEqual([])
  },
  120_000,
)
