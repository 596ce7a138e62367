let loaded: typeof import('./operations.ts') | undefined

/** The operations on containers, loaded on first use. */
export async function operations(): Promise<typeof import('./operations.ts')> {
  loaded ??= await import('./operations.ts')
  return loaded
}
