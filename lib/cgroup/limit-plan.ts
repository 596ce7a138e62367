import { OciError } from '../errors.ts'
import type { Step } from '../plan/steps.ts'
import type { CgroupWarning } from './types.ts'

/** Where the resources are in config.json. */
export const RESOURCES = '/linux/resources'

/** What becomes of a write beside success. */
export interface WriteOptions {
  /** Errors that are none. */
  ignore?: readonly number[]
  /** Only if the write before failed with an ignored error. */
  orElse?: boolean
}

/** Collects the writes that limits amount to. */
export class LimitPlan {
  readonly steps: Step[] = []
  readonly warnings: CgroupWarning[] = []

  /**
   * Writes a cgroup's file in one write(2).
   *
   * @param from JSON pointer below /linux/resources: `memory/limit`
   */
  write(
    dir: string,
    file: string,
    value: number | bigint | string,
    from: string,
    options: WriteOptions = {},
  ): void {
    this.steps.push({
      op: 'write',
      path: `${dir}/${file}`,
      data: Buffer.from(String(value)),
      ...options,
      from: `${RESOURCES}/${from}`,
    })
  }

  /** Notes something that is not done as written. */
  warn(from: string, message: string): void {
    this.warnings.push({ path: `${RESOURCES}/${from}`, message })
  }
}

/** A value of the resources that breaks a rule. */
export function invalidLimit(from: string, message: string, hint?: string): OciError {
  return new OciError('ERR_OCI_CONFIG_INVALID', `${from.replaceAll('/', '.')}: ${message}`, {
    path: `${RESOURCES}/${from}`,
    hint,
  })
}

/** A limit that this host has no means for. */
export function unsupportedLimit(from: string, message: string, hint?: string): OciError {
  return new OciError('ERR_OCI_UNSUPPORTED', `${from.replaceAll('/', '.')}: ${message}`, {
    path: `${RESOURCES}/${from}`,
    hint,
  })
}

/** A limit, or undefined if it is left alone: for most limits 0 means that, as for runc. */
export function nonZero<T extends number | bigint>(value: T | undefined): T | undefined {
  return value === undefined || Number(value) === 0 ? undefined : value
}

/** Whether a limit is `n`, whatever the type. */
export function equals(value: number | bigint | undefined, n: number): boolean {
  return value !== undefined && BigInt(value) === BigInt(n)
}

/** A component of a JSON pointer. */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
