/** Numbers of a series, in the unit of its samples. */
export interface Summary {
  samples: number
  min: number
  median: number
  p90: number
}

/** The value below which `share` (0…1) of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function summarize(samples: readonly number[]): Summary {
  return {
    samples: samples.length,
    min: quantile(samples, 0),
    median: quantile(samples, 0.5),
    p90: quantile(samples, 0.9),
  }
}

/** Something that can be done `count` times in a row and gives the milliseconds of each. */
export interface Subject {
  name: string
  measure(count: number): Promise<number[]>
}

/**
 * Measures subjects in turn, in small blocks, so that a drift of the machine's speed meets all of them: round by
 * round, `block` lives of each. The first round warms up and does not count.
 */
export async function interleave(
  subjects: readonly Subject[],
  rounds: number,
  block: number,
): Promise<Map<string, Summary>> {
  const samples = new Map<string, number[]>(subjects.map((subject) => [subject.name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const subject of subjects) {
      const times = await subject.measure(block)
      if (round > 0) samples.get(subject.name)?.push(...times)
    }
  }
  return new Map([...samples].map(([name, times]) => [name, summarize(times)]))
}

/** Times `count` runs of an asynchronous function, one after the other, in milliseconds. */
export async function timeEach(count: number, run: (index: number) => Promise<void>): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const begin = process.hrtime.bigint()
    await run(index)
    times.push(Number(process.hrtime.bigint() - begin) / 1e6)
  }
  return times
}

/** Prints rows as a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? format(cell) : cell)))
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  return [
    line(head),
    line(head.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...cells.map(line),
  ].join('\n')
}

function format(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)
}
