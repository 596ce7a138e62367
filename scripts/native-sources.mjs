// native-sources.mjs hosted|init — lists C++ sources for binding.gyp, one a line.
//   hosted: the interpreter's, to be compiled into the addon
//   init:   everything that the init program depends on
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The init program's own: its entry, and what a C library would bring. */
const INIT_ONLY = new Set(['main.cc', 'start.cc', 'entry.cc', 'memory.cc', 'libc.cc'])

const files = (dir, pattern) =>
  readdirSync(dir)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(dir, name))

const init = files('csrc/init', /\.(cc|h|S|ld)$/)
const hosted = files('csrc/init', /\.cc$/).filter((path) => !INIT_ONLY.has(path.split('/').at(-1)))
const shared = [...files('csrc', /\.h$/), ...files('csrc/generated', /\.h$/)]
console.log((process.argv[2] === 'hosted' ? hosted : [...init, ...shared]).join('\n'))
