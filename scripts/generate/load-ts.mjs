import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

const ROOT = resolve(import.meta.dirname, '../..')

/**
 * Imports TypeScript modules of this package on a Node.js that cannot: the modules and what they import relatively
 * are transpiled (not checked) into a temporary directory.
 *
 * @param {string[]} entries paths from the package's root
 * @returns {Promise<any[]>} the modules, in the same order
 */
export async function loadTs(entries) {
  const out = mkdtempSync(join(tmpdir(), 'oci-ts-generate-'))
  try {
    writeFileSync(join(out, 'package.json'), '{"type":"module"}')
    const done = new Set()
    const queue = entries.map((entry) => resolve(ROOT, entry))
    for (let file = queue.pop(); file; file = queue.pop()) {
      if (done.has(file)) continue
      done.add(file)
      const source = readFileSync(file, 'utf8')
      for (const { fileName } of ts.preProcessFile(source).importedFiles) {
        if (fileName.startsWith('.')) queue.push(resolve(dirname(file), fileName))
      }
      const target = join(out, relative(ROOT, file)).replace(/\.ts$/, '.js')
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(
        target,
        ts.transpileModule(source, { compilerOptions: OPTIONS, fileName: file }).outputText,
      )
    }
    const urls = entries.map((entry) => pathToFileURL(join(out, entry.replace(/\.ts$/, '.js'))).href)
    return await Promise.all(urls.map((url) => import(url)))
  } finally {
    rmSync(out, { recursive: true })
  }
}

/** @type {ts.CompilerOptions} */
const OPTIONS = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
}
