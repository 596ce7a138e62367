/**
 * A whole number from 0 to 65535.
 *
 * @asType integer
 * @minimum 0
 * @maximum 65535
 */
export type Uint16 = number

/**
 * A whole number from 0 to 4294967295.
 *
 * @asType integer
 * @minimum 0
 * @maximum 4294967295
 */
export type Uint32 = number

/**
 * A whole number from -2147483648 to 2147483647.
 *
 * @asType integer
 * @minimum -2147483648
 * @maximum 2147483647
 */
export type Int32 = number

/**
 * A whole number from -2⁶³ to 2⁶³-1: a `bigint` where a `number` would lose digits (beyond ±(2⁵³-1)), else a `number`.
 */
export type Int64 = number | bigint

/**
 * A whole number from 0 to 2⁶⁴-1: a `bigint` where a `number` would lose digits (beyond 2⁵³-1), else a `number`.
 */
export type Uint64 = number | bigint
