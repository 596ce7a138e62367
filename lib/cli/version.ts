import { readFileSync } from 'node:fs'
import { version as nodeVersion } from 'node:process'
import { OCI_VERSION } from '../config/spec.ts'
import { native } from '../native.ts'

/** The package's version. */
export function packageVersion(): string {
  // Two levels up from lib/cli in the sources, three from dist/lib/cli.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string
        version?: string
      }
      if (name === 'oci-ts' && version !== undefined) return version
    } catch {}
  }
  return 'unknown'
}

/** What `--version` prints: lines that engines read (`<name> version <version>`, `spec: <version>`). */
export function versionText(): string {
  const seccomp = native().seccompVersion()
  return [
    `oci-ts version ${packageVersion()}`,
    `spec: ${OCI_VERSION}`,
    `node: ${nodeVersion}`,
    ...(seccomp === null ? [] : [`libseccomp: ${seccomp}`]),
    '',
  ].join('\n')
}
