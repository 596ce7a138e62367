import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from 'oci-ts'
import type { Case } from './runtimes.ts'

const SLAVE = {
  'mounts./.propagation':
    'the setting is the propagation of the root: makes the mount below it private before it binds the root, so that no master is left',
}

const FORBIDDEN = 'binds, to mask paths and make them read-only, when that is forbidden'

const PROPAGATION = {
  private: [],
  rprivate: [],
  shared: ['shared'],
  rshared: ['shared'],
  slave: ['master'],
  rslave: ['master'],
  unbindable: ['unbindable'],
  runbindable: ['unbindable'],
} as const

type Propagation = keyof typeof PROPAGATION

/** `/root` and `/linux/rootfsPropagation`. */
export const rootCases: Case[] = [
  {
    name: 'root: writable',
    change: (config) => {
      config.root!.readonly = false
    },
    stat: ['/', '/etc/passwd', '/tmp'],
    sees: { 'paths./.writable': true },
  },
  { name: 'root: read-only', stat: ['/', '/etc/passwd', '/tmp'], sees: { 'paths./.writable': false } },
  ...Object.entries(PROPAGATION).map(([value, seen]) => ({
    name: `rootfsPropagation: ${value}`,
    change: (config: Config) => {
      config.linux!.rootfsPropagation = value as Propagation
    },
    sees: { 'mounts./.propagation': seen },
    except: value.endsWith('slave') ? { runc: SLAVE, crun: SLAVE } : undefined,
    refused: value === 'runbindable' ? { runc: FORBIDDEN, crun: FORBIDDEN } : undefined,
  })),
  {
    name: "a bind from the bundle's own mount",
    change: (config, { bundle }) => {
      mkdirSync(join(bundle, 'volume'))
      config.mounts!.push({
        destination: '/mnt',
        type: 'bind',
        source: join(bundle, 'volume'),
        options: ['bind'],
      })
    },
    sees: { 'mounts./mnt.propagation': [] },
  },
  {
    name: 'without pivot_root',
    noPivot: true,
    stat: ['/', '/..', '/etc/passwd'],
    sees: { 'process.cwd': '/' },
  },
]
