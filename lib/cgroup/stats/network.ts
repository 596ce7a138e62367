import type { NetworkStats } from './types.ts'

const COLUMNS = [
  'rxBytes',
  'rxPackets',
  'rxErrors',
  'rxDropped',
  // fifo, frame, compressed, multicast
  ...[null, null, null, null],
  'txBytes',
  'txPackets',
  'txErrors',
  'txDropped',
] as const

/** The text of /proc/PID/net/dev (proc_pid_net(5)); undefined if there is none. */
export function network(text: string | undefined): NetworkStats[] | undefined {
  if (!text) return undefined
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([^\s:]+):\s*(\d[\d\s]*)$/.exec(line)
    if (!match) return []
    const values = match[2]!.trim().split(/\s+/).map(Number)
    const counts = COLUMNS.flatMap((key, index) => (key === null ? [] : [[key, values[index] ?? 0]]))
    return [{ name: match[1], ...Object.fromEntries(counts) } as NetworkStats]
  })
}
