// Writes every generated source: `npm run generate`. One module a generator, each of which exports
// `generate(root)`, writes its files through `writeIfChanged`, and resolves to their paths.
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)

for (const name of ['schema', 'steps']) {
  const file = join(here, 'generate', `${name}.mjs`)
  if (!existsSync(file)) continue
  const { generate } = await import(pathToFileURL(file).href)
  for (const path of (await generate(root)) ?? []) console.log(`generated ${relative(root, path)}`)
}
