// embed-init.mjs --arch x64|arm64 --out FILE.S — builds the init program and an assembly file that embeds it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { arch: { type: 'string' }, out: { type: 'string' } } })
if (!values.arch || !values.out) throw new Error('usage: embed-init.mjs --arch x64|arm64 --out FILE.S')

const out = resolve(values.out)
const image = `${out}.bin`
mkdirSync(dirname(out), { recursive: true })
const build = fileURLToPath(new URL('build-init.mjs', import.meta.url))
execFileSync(process.execPath, [build, '--arch', values.arch, '--out', image], { stdio: 'inherit' })

writeFileSync(
  out,
  `// Made by scripts/embed-init.mjs.
  .section .rodata
  .balign 16
  .globl oci_init_image
  .hidden oci_init_image
oci_init_image:
  .incbin ${JSON.stringify(image)}
  .globl oci_init_image_end
  .hidden oci_init_image_end
oci_init_image_end:
  .byte 0
  .section .note.GNU-stack, "", %progbits
`,
)
