import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes a file unless it has that text already, so that builds keyed on modification times stay quiet.
 *
 * @param {string} path
 * @param {string} text
 * @returns {string} the path
 */
export function writeIfChanged(path, text) {
  let old
  try {
    old = readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  if (old !== text) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return path
}
