const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** A duration as Go writes it (`1h2m`, `1.5s`, `-5ms`, `0`), in milliseconds; undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^([-+]?)(?:0|((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+))$/.exec(text)
  if (match === null) return undefined
  let sum = 0
  for (const [, number, unit] of (match[2] ?? '').matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    sum += Number(number) * UNITS[unit!]!
  }
  return match[1] === '-' ? -sum : sum
}
