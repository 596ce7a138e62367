import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Resources } from '../../../types/index.ts'
import { parseJson } from '../../config/json.ts'
import { OciError } from '../../errors.ts'
import type { Flags } from '../args.ts'
import { defineCommand, type Invocation } from '../command.ts'
import { loadContainer } from '../container.ts'
import { absolute } from '../globals.ts'

const integer = (help: string) => ({ type: 'int', value: 'N', help }) as const
const number = (help: string) => ({ type: 'string', value: 'N', help }) as const
const UPDATE_FLAGS = {
  resources: { type: 'string', short: 'r', value: 'FILE', help: 'resources as JSON (-: standard input)' },
  'blkio-weight': integer('block IO weight, 10 to 1000'),
  'cpu-period': number('CPU CFS period, in µs'),
  'cpu-quota': number('CPU CFS quota, in µs'),
  'cpu-burst': number('CPU CFS burst, in µs'),
  'cpu-share': number('CPU shares'),
  'cpu-rt-period': number('CPU real-time period, in µs'),
  'cpu-rt-runtime': number('CPU real-time runtime, in µs'),
  'cpuset-cpus': { type: 'string', value: 'LIST', help: 'CPUs to use' },
  'cpuset-mems': { type: 'string', value: 'LIST', help: 'memory nodes to use' },
  'cpu-idle': number('1: idle CPU scheduling'),
  memory: { type: 'string', value: 'BYTES', help: 'memory limit (k, m, g; -1: none)' },
  'memory-reservation': { type: 'string', value: 'BYTES', help: 'memory reservation' },
  'memory-swap': { type: 'string', value: 'BYTES', help: 'memory plus swap (-1: none)' },
  'kernel-memory': { type: 'string', hidden: true, help: 'ignored' },
  'kernel-memory-tcp': { type: 'string', hidden: true, help: 'ignored' },
  'l3-cache-schema': { type: 'string', value: 'SCHEMA', help: 'Intel RDT/CAT L3 cache schema' },
  'mem-bw-schema': { type: 'string', value: 'SCHEMA', help: 'Intel RDT/MBA memory bandwidth schema' },
  'pids-limit': integer('most processes (-1: no limit)'),
} as const satisfies Flags

function wrong(flag: string, expected: string, text: string): OciError {
  const message = `invalid value for ${flag}: expected ${expected}, got ${JSON.stringify(text)}`
  return new OciError('ERR_OCI_OPTION_INVALID', message)
}

/** An empty text is as good as no flag, as for runc. */
function whole(flag: string, text: string | undefined): number | undefined {
  if (!text) return undefined
  if (!/^-?\d{1,15}$/.test(text)) throw wrong(flag, 'a whole number', text)
  return Number(text)
}

/** `64m`, `1.5g`, `4096`, `-1`: bytes, in powers of 1024. */
export function bytes(flag: string, text: string | undefined): number | undefined {
  if (!text) return undefined
  if (text === '-1') return -1
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text)
  if (match === null) throw wrong(flag, 'bytes, as 64m', text)
  const power = ' kmgtp'.indexOf((match[2] || ' ').toLowerCase())
  return Math.floor(Number(match[1]) * 1024 ** power)
}

/** Without the members that are undefined; undefined if nothing is left. */
function given<T extends object>(value: T): T | undefined {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T)
}

function fromFlags({ flags }: Invocation<typeof UPDATE_FLAGS>): unknown {
  const of = (flag: keyof typeof UPDATE_FLAGS) => whole(flag, flags[flag] as string | undefined)
  const memory = bytes('memory', flags.memory)
  const swap = bytes('memory-swap', flags['memory-swap'])
  const { 'pids-limit': pids, 'blkio-weight': weight } = flags
  return given({
    memory: given({
      limit: memory,
      // Without a word on swap, no limit on memory means none on swap.
      swap: swap ?? (memory === -1 ? -1 : undefined),
      reservation: bytes('memory-reservation', flags['memory-reservation']),
    }),
    cpu: given({
      shares: of('cpu-share'),
      quota: of('cpu-quota'),
      burst: of('cpu-burst'),
      period: of('cpu-period'),
      realtimePeriod: of('cpu-rt-period'),
      realtimeRuntime: of('cpu-rt-runtime'),
      cpus: flags['cpuset-cpus'] || undefined,
      mems: flags['cpuset-mems'] || undefined,
      idle: of('cpu-idle'),
    }),
    pids: pids === undefined ? undefined : { limit: pids },
    blockIO: weight === undefined ? undefined : { weight },
  })
}

export const update = defineCommand({
  summary: 'update container resource constraints',
  args: '<container-id>',
  description: 'With --resources every other flag is ignored.',
  count: [1, 1],
  flags: UPDATE_FLAGS,
  async run(invocation) {
    const { flags, io, warn } = invocation
    const container = await loadContainer(invocation)
    if (flags['kernel-memory'] !== undefined || flags['kernel-memory-tcp'] !== undefined) {
      warn('Kernel memory settings are ignored and will be removed')
    }
    let value: unknown
    if (flags.resources === '-') {
      const { text: readText } = await import('node:stream/consumers')
      value = parseJson(await readText(createReadStream('', { fd: io.stdio[0], autoClose: false })))
    } else if (flags.resources !== undefined) {
      value = parseJson(await readFile(absolute(flags.resources, io), 'utf8'))
    } else {
      if (flags['l3-cache-schema'] || flags['mem-bw-schema']) {
        throw new OciError('ERR_OCI_UNSUPPORTED', 'Intel RDT is not supported by this version')
      }
      value = fromFlags(invocation) ?? {}
    }
    const { validateResources } = await import('../../config/load.ts')
    const resources: Resources = validateResources(value)
    await container.update(resources)
    return 0
  },
})
