/**
 * The wire format of a plan: field kinds, the record layout, and the static types that follow from a step table.
 *
 * A plan is one flat buffer, little-endian, every record 8-byte aligned:
 *
 * ```
 * header   u32 magic 'OCIP' | u32 abi | u32 size | u32 count | u32 flags | u32 reserved[3]
 * record   u32 size | u16 op | u16 flags | u16 ignore[4] | u64 word[fields] | data…
 * ```
 *
 * A word is an integer (two's complement), or a reference into the record's data: u32 offset from the record's
 * start, u32 length. Strings are followed by a NUL that the length does not count and hold none inside; an offset
 * of 0 is an absent string. A list is a reference to `length` words. `abi` is a hash of the step table: a plan of
 * another version is refused whole.
 */

/** Kinds of fields; a trailing `?` makes the field optional (0, absent, empty, or no slot). */
export type FieldKind = 'u64' | 'i64' | 'bool' | 'str' | 'bytes' | 'strs' | 'u64s' | 'slot'

/** A field's kind, with `?` where it may be left out. */
export type FieldSpec = FieldKind | `${FieldKind}?`

/** One row of the step table: the operation's number on the wire and its fields in wire order. */
export interface StepSpec {
  readonly op: number
  readonly fields: { readonly [name: string]: FieldSpec }
}

interface KindTypes {
  u64: number | bigint
  i64: number | bigint
  bool: boolean
  str: string
  bytes: Uint8Array
  strs: readonly string[]
  u64s: readonly (number | bigint)[]
  slot: number
}

type Required<F extends StepSpec['fields']> = {
  [K in keyof F as F[K] extends FieldKind ? K : never]: F[K] extends FieldKind ? KindTypes[F[K]] : never
}
type Optional<F extends StepSpec['fields']> = {
  [K in keyof F as F[K] extends FieldKind ? never : K]?:
    | (F[K] extends `${infer B extends FieldKind}?` ? KindTypes[B] : never)
    | undefined
}

/** What every step may carry besides its own fields. */
export interface StepCommon {
  /** Up to four errno values that are no failure of the plan: it goes on with the next step. */
  ignore?: readonly number[] | undefined
  /** Run this step only if the one before it failed with an ignored errno (an alternative to it). */
  orElse?: boolean | undefined
  /** The part of config.json that this step comes from, as a JSON pointer. It is not sent; errors name it. */
  from?: string | undefined
}

/** The static type of one step of the table `T`. */
export type StepOf<T extends { readonly [name: string]: StepSpec }> = {
  [K in keyof T & string]: { readonly op: K } & Required<T[K]['fields']> &
    Optional<T[K]['fields']> &
    StepCommon
}[keyof T & string]

/** `'OCIP'`, little-endian. */
export const PLAN_MAGIC = 0x5049434f
/** Bytes of the plan's header. */
export const PLAN_HEADER_SIZE = 32
/** Bytes of a record before its words. */
export const RECORD_HEADER_SIZE = 16
/** Header flag: write a timestamp for each step into the report. */
export const PLAN_TRACE = 1
/** Record flag: run only if the step before failed with an ignored errno. */
export const RECORD_OR_ELSE = 1
/** Most slots (numbered fd registers) of one interpreter. */
export const MAX_SLOTS = 1024
/** "No slot" on the wire. */
export const NO_SLOT = 0xffff_ffff
/** Most bytes of a plan. */
export const MAX_PLAN_SIZE = 64 * 1024 * 1024
