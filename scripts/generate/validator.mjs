// JSON Schema definitions → the source of a module that validates and imports nothing.
import { _, Ajv } from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'

/** Keywords for 64-bit integers: ajv's own `integer` refuses a bigint, and a number can't carry the bounds. */
const WIDE_KEYWORDS = {
  Int64: {
    keyword: 'int64',
    test: (data) => _`(typeof ${data} == "bigint"
      ? ${data} >= -9223372036854775808n && ${data} <= 9223372036854775807n
      : Number.isInteger(${data}) && ${data} >= -9223372036854775808 && ${data} < 9223372036854775808)`,
  },
  Uint64: {
    keyword: 'uint64',
    test: (data) => _`(typeof ${data} == "bigint"
      ? ${data} >= 0n && ${data} <= 18446744073709551615n
      : Number.isInteger(${data}) && ${data} >= 0 && ${data} < 18446744073709551616)`,
  },
}

/** Text that reaches the kernel ends at a NUL, wherever the rest of it was meant to go. */
const TEXT_KEYWORD = {
  keyword: 'text',
  type: 'string',
  schemaType: 'boolean',
  code: (context) => context.pass(_`!${context.data}.includes("\\0")`),
}

const HEADER = `// @ts-nocheck
// Generated from types/*.ts by \`npm run generate\`. Do not edit.
`

const FOOTER = `
/** What a value did not satisfy. */
export interface SchemaError {
  /** JSON pointer of the value. */
  instancePath: string
  /** JSON pointer of the rule. */
  schemaPath: string
  /** The rule: \`type\`, \`required\`, \`enum\`, \`pattern\`, \`minimum\`, \`int64\` … */
  keyword: string
  /** What the rule demands. */
  params: Record<string, unknown>
}

/** Tells whether a value has the shape of a type; if not, \`errors\` tells the first thing that is wrong. */
export interface SchemaValidator {
  (data: unknown): boolean
  errors?: SchemaError[] | null
}
`

/**
 * @param {Record<string, object>} definitions schemas by the name of their type
 * @param {string[]} names the types to make a `validate…` function for
 * @returns {string} a TypeScript module
 */
export function validatorSource(definitions, names) {
  const ajv = new Ajv({
    code: { source: true, esm: true },
    messages: false,
    strict: true,
    strictRequired: true,
    inlineRefs: false, // a function a type: a quarter of the size, and it is loaded with the library
    allowUnionTypes: true,
  })
  const schemas = lean(definitions)
  ajv.addKeyword(TEXT_KEYWORD)
  for (const [name, { keyword, test }] of Object.entries(WIDE_KEYWORDS)) {
    ajv.addKeyword({ keyword, schemaType: 'boolean', code: (context) => context.pass(test(context.data)) })
    schemas[name] = { [keyword]: true }
  }
  ajv.addSchema({ $id: 'types', definitions: schemas })
  const refs = Object.fromEntries(names.map((name) => [`validate${name}`, `types#/definitions/${name}`]))
  const code = standalone.default(ajv, refs)
  if (/\brequire\s*\(|\bimport\b/.test(code)) {
    throw new Error(
      'the validator would import a helper of ajv: a keyword like minLength needs one, use pattern',
    )
  }
  const typed = code.replace(/export const (validate\w+) = /g, 'export const $1: SchemaValidator = ')
  const maps = Object.values(definitions).flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([key, property]) => (isMap(property, definitions) ? [key] : [])),
  )
  const mapNames = JSON.stringify([...new Set(maps)].sort())
  return `${HEADER}${typed}
/** The properties whose values are maps: any key is data, none is a property of a type. */
export const MAP_PROPERTIES: ReadonlySet<string> = new Set(${mapNames})
${FOOTER}`
}

/**
 * A copy of a schema without what is for people, since every process that uses the library loads the module, and with the
 * keyword `text` where a string may reach the kernel.
 */
function lean(schema) {
  if (Array.isArray(schema)) return schema.map(lean)
  if (typeof schema !== 'object' || schema === null) return schema
  const { opaque, ...rest } = schema
  const copy = {}
  for (const [key, value] of Object.entries(rest)) {
    const forPeople =
      (key === 'description' && typeof value === 'string') || (key === 'deprecated' && value === true)
    if (!forPeople) copy[key] = opaque === true ? value : lean(value)
  }
  if (schema.type === 'string' && !schema.enum && opaque !== true) copy.text = true
  return copy
}

function isMap(schema, definitions) {
  const name = schema.$ref?.slice('#/definitions/'.length)
  return typeof (name ? definitions[name] : schema).additionalProperties === 'object'
}
