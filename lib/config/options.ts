import { OciError } from '../errors.ts'
import { show } from './problem.ts'
import { suggest } from './suggest.ts'

/**
 * Refuses options that a call does not have: a misspelt option would be ignored in silence.
 *
 * @param name the call, for the message: `Container.create`
 * @param options what the caller passed; undefined is no options
 * @param allowed the options that the call has
 * @throws OciError `ERR_OCI_OPTION_INVALID`; its hint names the option that was probably meant
 */
export function checkOptions(name: string, options: unknown, allowed: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OciError(
      'ERR_OCI_OPTION_INVALID',
      `${name}: expected an object of options, got ${show(options)}`,
    )
  }
  for (const key of Object.keys(options)) {
    if (allowed.includes(key)) continue
    const meant = suggest(key, allowed)
    throw new OciError('ERR_OCI_OPTION_INVALID', `${name}: there is no option ${show(key)}`, {
      hint: meant === undefined ? `The options are ${allowed.join(', ')}.` : `Did you mean ${meant}?`,
    })
  }
}
