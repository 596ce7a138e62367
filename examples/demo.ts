/**
 * A real container with no image to download: the host's programs in namespaces of their own. Works as root, and as an
 * ordinary user where user namespaces are allowed.
 *
 *     npm run demo
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Container, hostBundle, OciError } from 'oci-ts'

const SCRIPT = `
set -- /proc/[0-9]*
echo "  pid        $$, of $# process"
echo "  hostname   $(cat /proc/sys/kernel/hostname)"
echo "  ids        $(id)"
while read -r name value; do
  [ "$name" != CapEff: ] || echo "  caps       $value"
done < /proc/self/status
echo "  network    $(echo $(ls /sys/class/net))"
echo "  root       $(echo $(ls /))"
echo "  mounts     $(wc -l < /proc/self/mounts)"
while read -r source target type options rest; do
  printf '    %-26s %-9s %s\\n' "$target" "$type" "\${options%%,*}"
done < /proc/self/mounts | sort
`

const phases: [name: string, ms: number][] = []

async function timed<T>(name: string, task: () => Promise<T>): Promise<T> {
  const begin = performance.now()
  try {
    return await task()
  } finally {
    phases.push([name, performance.now() - begin])
  }
}

const directory = await mkdtemp(join(tmpdir(), 'oci-ts-demo-'))
try {
  const bundle = await timed('bundle', () => hostBundle(directory, { args: ['sh', '-c', SCRIPT] }))
  // The first container pays for reading the host's facts and loading the init program.
  const id = `demo-${process.pid}`
  // Not in the usual place, so that nothing at all is left.
  const root = join(directory, 'state')
  await using container = await timed('create', () => Container.create(id, { bundle, root }))
  console.log(`container ${id}: pid ${container.pid} outside. Inside:`)
  container.stdout?.pipe(process.stdout)
  container.stderr?.pipe(process.stderr)
  await timed('start', () => container.start())
  const { exitCode, signal } = await timed('run', () => container.wait())
  await timed('delete', () => container.delete())
  console.log(`\nIt ended with ${signal ?? exitCode}, and is gone. It took`)
  phases.push(['in all', phases.reduce((sum, [, ms]) => sum + ms, 0)])
  for (const [name, ms] of phases) console.log(`  ${name.padEnd(10)} ${ms.toFixed(1).padStart(7)} ms`)
  process.exitCode = exitCode ?? 1
} catch (error) {
  if (!(error instanceof OciError)) throw error
  console.error(`${error.code}: ${error.message}`)
  if (error.hint) console.error(`hint: ${error.hint}`)
  process.exitCode = 1
} finally {
  await rm(directory, { recursive: true, force: true })
}
