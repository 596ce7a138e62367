import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadFrom } from '../../../lib/addon.ts'
import { OciError } from '../../../lib/errors.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'addon-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function put(path: string, content: Uint8Array | string): string {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  return file
}

function failure(): OciError {
  try {
    loadFrom(root)
  } catch (error) {
    if (error instanceof OciError) return error
    throw error
  }
  throw new Error('it was loaded')
}

/** An ELF header that claims a machine. */
function elf(machine: number): Uint8Array {
  const header = new Uint8Array(64)
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  new DataView(header.buffer).setUint16(16, 3, true)
  new DataView(header.buffer).setUint16(18, machine, true)
  new DataView(header.buffer).setUint32(20, 1, true)
  return header
}

test('without any file the error says so, and how to build one', () => {
  const error = failure()
  expect(error.code).toBe('ERR_OCI_ADDON')
  expect(error.message).toContain(`there is none for linux-${process.arch}`)
  expect(error.hint).toContain(`cd ${root} && npm install --ignore-scripts && npm run build:native`)
})

test('a file that is no program', () => {
  const file = put('build/Release/oci_ts.node', 'not ELF at all')
  const error = failure()
  expect(error.message).toContain(`${file}: it is no shared library`)
  expect(error.cause).toBeInstanceOf(Error)
})

test('a program of another architecture', () => {
  put('build/Release/oci_ts.node', elf(process.arch === 'arm64' ? 62 : 183))
  expect(failure().message).toMatch(/it was built for another architecture/)
})

test('a prebuilt file comes before one that was built here, and that of the other C library is left out', () => {
  const musl = put(`prebuilds/linux-${process.arch}/oci-ts.musl.node`, 'x')
  const glibc = put(`prebuilds/linux-${process.arch}/oci-ts.glibc.node`, 'x')
  put('build/Release/oci_ts.node', 'x')
  const { message } = failure()
  // One of them fits the C library of the machine that runs this.
  expect([musl, glibc].filter((path) => message.includes(path))).toHaveLength(1)
})

test('a path with blanks and quotes is quoted in the command', () => {
  root = join(root, "it's here")
  mkdirSync(root)
  expect(failure().hint).toContain(`cd '${root.replace("'", "'\\''")}' && `)
  root = dirname(root)
})
