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
echo "  pid        $$ (of $(ls /proc | grep -c '^[0-9]') processes)"
echo "  hostname   $(cat /proc/sys/kernel/hostname)"
echo "  ids        $(id)"
echo "  root       $(ls / | tr '\\n' ' ')"
echo "  network    $(ls /sys/class/net 2>/dev/null | tr '\\n' ' ')"
echo "  caps       $(grep CapEff /proc/self/status | cut -f2)"
echo "  mounts     $(wc -l < /proc/self/mounts):"
cut -d' ' -f2,3 /proc/self/mounts | sed 's/^/             /'
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
  await using container = await timed('create', () => Container.create(id, { bundle }))
  console.log(`container ${id}: pid ${container.pid} outside. Inside:`)
  container.stdout?.pipe(process.stdout)
  container.stderr?.pipe(process.stderr)
  await timed('start', () => container.start())
  const { exitCode, signal } = await timed('run', () => container.wait())
  await timed('delete', () => container.delete())
  console.log(`\nended with ${signal ?? exitCode}. It took`)
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
