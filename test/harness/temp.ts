import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made = new Set<string>()

/**
 * Makes a directory that lives until the end of the test file (or of the process, outside vitest).
 * Its mode is 0755, so that containers with other ids can reach it.
 */
export function tempDir(prefix = 'oci-ts-'): string {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), prefix))
  chmodSync(dir, 0o755)
  made.add(dir)
  return dir
}

/** The mount points at or below a directory in this process's mount namespace. */
export function mountsBelow(dir: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) => octalToChar(octal)))
    .filter((point) => point === dir || point.startsWith(`${dir}/`))
}

function octalToChar(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8))
}

/**
 * Removes a directory with everything in it, but never what is mounted there: a runtime that leaks a
 * bind mount of `/usr` must not cost us `/usr`.
 *
 * @throws naming the mounts, where there are any; nothing was removed then
 */
export function removeTree(dir: string): void {
  const mounts = mountsBelow(dir)
  if (mounts.length > 0) throw new Error(`not removing ${dir}, mounts were left: ${mounts.join(', ')}`)
  execFileSync('rm', ['-rf', '--one-file-system', '--', dir])
  made.delete(dir)
}

/** Removes all directories of {@link tempDir}; what can't be removed is reported by one error. */
export function removeTempDirs(): void {
  const failures: unknown[] = []
  for (const dir of made) {
    try {
      removeTree(dir)
    } catch (error) {
      failures.push(error)
    }
  }
  made.clear()
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('\n'))
}

process.once('exit', () => {
  if (made.size > 0) removeTempDirs()
})
