import type { Process, User } from '../../../types/index.ts'
import { OciError } from '../../errors.ts'
import type { Flags } from '../args.ts'
import { defineCommand, type Invocation } from '../command.ts'
import { checkTerminal, debugTrace, loadContainer, passedFds, readProcess, warnings } from '../container.ts'
import { attend } from '../foreground.ts'
import { absolute } from '../globals.ts'

const MAX_ID = 0xffff_fffe

/** One numeric id: all of the text, no sign, no blank, no overflow (CVE-2026-30892). */
function id(text: string, what: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= MAX_ID) return Number(text)
  throw wrong(`invalid ${what} "${text}": expected a number from 0 to ${MAX_ID}`)
}

function wrong(message: string): OciError {
  return new OciError('ERR_OCI_OPTION_INVALID', message)
}

function user(text: string | undefined, groups: readonly number[] | undefined, base: User | undefined): User {
  const parts = text?.split(':') ?? []
  if (parts.length > 2) throw wrong(`invalid user "${text}": expected UID[:GID]`)
  const result: User = { ...(base ?? { uid: 0, gid: 0 }) }
  if (parts[0] !== undefined) result.uid = id(parts[0], 'uid')
  if (parts[1] !== undefined) result.gid = id(parts[1], 'gid')
  if (groups)
    result.additionalGids = [...(result.additionalGids ?? []), ...groups.map((gid) => id(String(gid), 'gid'))]
  return result
}

const EXEC_FLAGS = {
  'console-socket': {
    type: 'string',
    value: 'PATH',
    help: 'unix socket that receives the terminal’s master',
  },
  'pidfd-socket': { type: 'string', value: 'PATH', help: 'unix socket that receives a pidfd of the process' },
  cwd: { type: 'string', value: 'DIR', help: 'current working directory in the container' },
  env: { type: 'list', short: 'e', value: 'NAME=VALUE', help: 'set environment variables' },
  tty: { type: 'bool', short: 't', help: 'allocate a pseudo-TTY' },
  user: { type: 'string', short: 'u', value: 'UID[:GID]', help: 'user and group' },
  'additional-gids': { type: 'int-list', short: 'g', value: 'GID', help: 'additional gids' },
  process: { type: 'string', short: 'p', value: 'FILE', help: 'path to the process.json' },
  detach: { type: 'bool', short: 'd', help: 'detach from the process' },
  'pid-file': { type: 'string', value: 'FILE', help: 'file to write the process id to' },
  'process-label': { type: 'string', value: 'LABEL', help: 'SELinux label of the process' },
  apparmor: { type: 'string', value: 'PROFILE', help: 'AppArmor profile of the process' },
  'no-new-privs': { type: 'bool', help: 'set no_new_privs' },
  cap: {
    type: 'list',
    short: 'c',
    value: 'CAP',
    help: 'add a capability to the bounding set of the process',
  },
  'preserve-fds': { type: 'int', value: 'N', help: 'pass N additional file descriptors (3, 4, …)' },
  cgroup: { type: 'list', value: 'PATH', help: 'run it in a sub-cgroup of the container' },
  'ignore-paused': { type: 'bool', help: 'allow exec in a paused container' },
  'no-subreaper': { type: 'bool', hidden: true, help: 'accepted' },
} as const satisfies Flags

export const exec = defineCommand({
  summary: 'execute new process inside the container',
  args: '<container-id> <command> [command options]  || -p process.json <container-id>',
  count: [1, Number.MAX_SAFE_INTEGER],
  inOrder: true,
  failure: 255,
  flags: EXEC_FLAGS,
  async run(invocation) {
    const { flags, io, globals } = invocation
    const container = await loadContainer(invocation)
    const process = flags.process
      ? await readProcess(absolute(flags.process, io))
      : processOf(invocation, container.config.process)
    if (flags['no-new-privs'] !== undefined) process.noNewPrivileges = flags['no-new-privs']
    if (flags.apparmor !== undefined) process.apparmorProfile = flags.apparmor
    if (flags['process-label'] !== undefined) process.selinuxLabel = flags['process-label']
    const consoleSocket = absolute(flags['console-socket'], io)
    checkTerminal(process.terminal ?? false, flags.detach ?? false, consoleSocket)
    const child = await container.exec({
      process,
      stdio: io.stdio,
      consoleSocket,
      pidfdSocket: absolute(flags['pidfd-socket'], io),
      pidFile: absolute(flags['pid-file'], io),
      preserveFds: passedFds(flags['preserve-fds'] ?? 0, io),
      ignorePaused: flags['ignore-paused'] ?? false,
      ...(flags.cgroup === undefined ? {} : { cgroup: flags.cgroup }),
      trace: globals.level === 'debug',
      onWarning: warnings(invocation),
    })
    debugTrace(child.trace, invocation)
    return flags.detach ? 0 : attend(child, io, async () => {})
  },
})

/** The container's own process with what the flags say in place of its. */
function processOf({ flags, args }: Invocation<typeof EXEC_FLAGS>, base: Process | undefined): Process {
  if (args.length < 2) throw wrong('exec args cannot be empty')
  if (base === undefined) {
    throw new OciError('ERR_OCI_STATE', 'the container has no process to take defaults from')
  }
  const { consoleSize: _, ...rest } = base
  const process: Process = {
    ...rest,
    terminal: flags.tty ?? false,
    args: args.slice(1),
    cwd: flags.cwd || base.cwd,
    env: [...(base.env ?? []), ...(flags.env ?? [])],
    user: user(flags.user, flags['additional-gids'], base.user),
  }
  if (flags.cap !== undefined) {
    const own = base.capabilities ?? {}
    const add = (set: readonly string[] = []) => [...new Set([...set, ...flags.cap!])]
    // Never the inheritable ones: CVE-2022-29162.
    process.capabilities = {
      ...own,
      bounding: add(own.bounding),
      effective: add(own.effective),
      permitted: add(own.permitted),
    }
  }
  return process
}
