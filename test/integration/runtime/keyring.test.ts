import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Config, CreateOptions, Warning } from 'oci-ts'
import { expect, test } from 'vitest'
import { parseProbe } from '../../harness/probe.ts'
import { toolBinary } from '../../harness/programs.ts'
import { createShell, textOf } from './support.ts'

/** An id of the host that nobody else has keys of. */
const UID = 7_654_000

function asUser(config: Config): void {
  config.linux!.namespaces!.push({ type: 'user' })
  config.linux!.uidMappings = [{ containerID: 0, hostID: UID, size: 65536 }]
  config.linux!.gidMappings = [{ containerID: 0, hostID: UID, size: 65536 }]
}

async function sessionKeyring(options: Partial<CreateOptions> = {}): Promise<[id: string, session: string]> {
  await using container = await createShell(['/probe'], options)
  const output = textOf(container.stdout)
  await container.start()
  return [container.id, parseProbe(await output).keyring.session ?? '']
}

test('the container has a session keyring of its own', async () => {
  const [id, session] = await sessionKeyring()
  expect(session).toMatch(new RegExp(`;_ses\\.${id}$`))
})

test('or the caller’s, if it is asked for', async () => {
  const [, session] = await sessionKeyring({ noNewKeyring: true })
  expect(session).not.toMatch(/_ses\.t-/)
})

test('where the user has too many keys it is made without one, and that is said', async () => {
  const keeper = spawn(toolBinary(), ['fill-keyring', String(UID)], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(keeper.stdout, 'data')
    const warnings: Warning[] = []
    await using container = await createShell(
      'echo lives',
      { onWarning: (warning) => warnings.push(warning) },
      asUser,
    )
    expect(warnings.map(({ message }) => message)).toEqual([
      "no session keyring of its own, the caller's stays: the user has too many keys (kernel.keys.maxkeys, kernel.keys.maxbytes)",
    ])
    const output = textOf(container.stdout)
    await container.start()
    expect(await output).toBe('lives\n')
  } finally {
    keeper.stdin.end()
    await once(keeper, 'close')
  }
})
