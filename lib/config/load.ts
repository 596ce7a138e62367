import {
  type SchemaValidator,
  validateConfig as validConfig,
  validateProcess as validProcess,
  validateResources as validResources,
} from '../../types/generated/validate.ts'
import type { Config, Process, Resources } from '../../types/index.ts'
import { checkConfig } from './check.ts'
import { checkProcess } from './check-process.ts'
import { checkResources } from './check-resources.ts'
import { explain } from './explain.ts'
import { parseJson } from './json.ts'
import { withoutNulls } from './nulls.ts'
import type { OnWarning } from './problem.ts'

/** How to check a config. */
export interface CheckOptions {
  /** Gets each thing that is not wrong but probably not meant. */
  onWarning?: OnWarning | undefined
}

/** How to check a part of a config that comes by itself. */
export interface PartOptions extends CheckOptions {
  /** JSON pointer that the paths of errors and warnings start with; `''` by default: the part is the document. */
  at?: string | undefined
}

const silent: OnWarning = () => {}

/**
 * Reads the text of a config.json: its syntax, its shape, and the rules of the runtime-spec. 64-bit integers keep all
 * their digits. Nothing outside of the text is looked at.
 *
 * @throws OciError `ERR_OCI_CONFIG_SYNTAX` or `ERR_OCI_CONFIG_INVALID`, with the JSON pointer of the place as `path`
 */
export function parseConfig(text: string, options: CheckOptions = {}): Config {
  return validateConfig(parseJson(text), options)
}

/**
 * Checks that a value is a config: its shape and the rules of the runtime-spec. Unknown properties are ignored; properties
 * that are null count as not set.
 *
 * @returns the value itself, or a copy of it without its null properties
 * @throws OciError `ERR_OCI_CONFIG_INVALID`, with the JSON pointer of the place as `path`
 */
export function validateConfig(value: unknown, options: CheckOptions = {}): Config {
  const config = shape(value, validConfig, '') as Config
  checkConfig(config, options.onWarning ?? silent)
  return config
}

/**
 * Checks that a value is a process, as {@link validateConfig} does with the one in a config.
 *
 * @throws OciError `ERR_OCI_CONFIG_INVALID`
 */
export function validateProcess(value: unknown, options: PartOptions = {}): Process {
  const { at = '' } = options
  const process = shape(value, validProcess, at) as Process
  checkProcess(process, at)
  return process
}

/**
 * Checks that a value is new limits for a container that exists: those that are not given stay as they are.
 *
 * @throws OciError `ERR_OCI_CONFIG_INVALID`
 */
export function validateResources(value: unknown, options: PartOptions = {}): Resources {
  const { at = '', onWarning = silent } = options
  const resources = shape(value, validResources, at) as Resources
  checkResources(resources, at, { partial: true, warn: onWarning })
  return resources
}

function shape(value: unknown, isValid: SchemaValidator, at: string): unknown {
  if (isValid(value)) return value
  const set = withoutNulls(value)
  if (isValid(set)) return set
  throw explain(isValid.errors![0]!, set, at)
}
