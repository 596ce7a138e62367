// types/*.ts → JSON Schema and a standalone validator in types/generated/.
// The interfaces are the only source, so that types, schema and validator can't drift apart.
import { join } from 'node:path'
import tsj from 'ts-json-schema-generator'
import { validatorSource } from './validator.mjs'
import { writeIfChanged } from './write.mjs'

/** The schemas that are written as files, by the interface that they describe. */
const FILES = {
  Config: 'config',
  State: 'state',
  ContainerProcessState: 'process-state',
  Features: 'features',
}

/** The types that generated functions validate: what the runtime reads, and (a module of its own) what it tells. */
const READ = ['Config', 'Process', 'Resources']
const TOLD = ['State', 'ContainerProcessState', 'Features']

/** Bounds that a JSON number can carry and a JavaScript number can't. */
const WIDE = {
  Int64: { minimum: '-9223372036854775808', maximum: '9223372036854775807' },
  Uint64: { minimum: '0', maximum: '18446744073709551615' },
}

/** Reads the interfaces. */
function readDefinitions(root) {
  const generator = tsj.createGenerator({
    path: join(root, 'types/*.ts'),
    tsconfig: join(root, 'tsconfig.json'),
    type: '*',
    expose: 'export',
    jsDoc: 'extended',
    additionalProperties: true, // a runtime must ignore properties that it doesn't know
    skipTypeCheck: true, // tsc does that
    sortProps: false,
    extraTags: ['opaque'], // text that never reaches the kernel: any character is allowed
  })
  const { definitions } = generator.createSchema('*')
  for (const [name, definition] of Object.entries(definitions)) {
    demandDescription(name, definition)
    for (const [key, property] of Object.entries(definition.properties ?? {})) {
      demandDescription(`${name}.${key}`, property)
      if (typeof property.deprecated === 'string') {
        property.description += ` Deprecated: ${property.deprecated}.`
        property.deprecated = true
      }
    }
  }
  return definitions
}

/** Every type and property has a doc comment; its links become plain names, since a schema knows no links. */
function demandDescription(name, schema) {
  if (!schema.description) throw new Error(`types/: ${name} has no doc comment`)
  schema.description = schema.description
    .replace(/\s*\{@link\s+(\w+)\s*\}\s*/g, ' $1 ')
    .replace(/ ([.,;)])/g, '$1')
    .trim()
}

/** The names of all definitions that a schema refers to, directly or not. */
function reachable(definitions, name, found = new Set()) {
  if (found.has(name)) return found
  found.add(name)
  for (const [, next] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/(\w+)"/g)) {
    reachable(definitions, next, found)
  }
  return found
}

/** A schema as a file: self-contained, 64-bit bounds written out in full. */
function schemaText(definitions, name) {
  const used = reachable(definitions, name)
  used.delete(name)
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `${name} of the OCI runtime-spec 1.3.0`,
    ...definitions[name],
    definitions: {},
  }
  for (const other of [...used].sort()) {
    const { description } = definitions[other]
    const bounds = WIDE[other] && { minimum: `@${other}.minimum`, maximum: `@${other}.maximum` }
    schema.definitions[other] = bounds ? { type: 'integer', description, ...bounds } : definitions[other]
  }
  const text = JSON.stringify(schema, (key, value) => (key === 'opaque' ? undefined : value), 2)
  return `${text.replace(/"@(\w+)\.(\w+)"/g, (_, type, bound) => WIDE[type][bound])}\n`
}

export async function generate(root) {
  const definitions = readDefinitions(root)
  const out = join(root, 'types/generated')
  const written = Object.entries(FILES).map(([name, file]) =>
    writeIfChanged(join(out, `${file}.schema.json`), schemaText(definitions, name)),
  )
  written.push(writeIfChanged(join(out, 'validate.ts'), validatorSource(definitions, READ)))
  written.push(writeIfChanged(join(out, 'validate-reports.ts'), validatorSource(definitions, TOLD)))
  return written
}
