// build-addon.mjs [--arch x64|arm64] [--prebuild] [--debug] [--sanitize LIST] [--clean]
//
// Builds the addon by node-gyp: into build/, or with --prebuild into prebuilds/. Node's headers are taken from the
// node that runs this, where it has them (they are the same for every architecture), so nothing is downloaded.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    prebuild: { type: 'boolean', default: false },
    debug: { type: 'boolean', default: false },
    sanitize: { type: 'string', default: '' },
    clean: { type: 'boolean', default: false },
  },
})

const root = fileURLToPath(new URL('..', import.meta.url))
const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}` }

const prefix = resolve(dirname(process.execPath), '..')
if (!env.npm_config_nodedir && existsSync(join(prefix, 'include/node/node_api.h')))
  env.npm_config_nodedir = prefix

const cross = values.arch !== process.arch
if (cross) {
  if (values.arch !== 'arm64') throw new Error(`can't cross-compile for ${values.arch}`)
  env.CC ??= 'aarch64-linux-gnu-gcc'
  env.CXX ??= 'aarch64-linux-gnu-g++'
  env.AR ??= 'aarch64-linux-gnu-ar'
}

const run = (command, args) => {
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' })
  process.exitCode = status ?? 1
}

if (values.prebuild) {
  const strip = cross ? 'aarch64-linux-gnu-strip' : 'strip'
  const target = process.versions.node
  const options = ['--napi', '--arch', values.arch, '--target', target, '--tag-libc']
  run('prebuildify', [...options, '--strip', '--strip-bin', env.STRIP ?? strip])
} else {
  const command = values.clean ? ['rebuild'] : ['configure', 'build']
  const options = ['--jobs=max', `--arch=${values.arch}`, values.debug ? '--debug' : '--release']
  if (values.sanitize) options.push(`--oci_sanitize=${values.sanitize}`)
  run('node-gyp', [...command, ...options])
}
