import { join } from 'node:path'
import { loadTs } from './load-ts.mjs'
import { writeIfChanged } from './write.mjs'

const KINDS = ['u64', 'i64', 'bool', 'str', 'bytes', 'strs', 'u64s', 'slot']
/** C++ keywords and macros of C libraries that steps or fields are called: they get an underscore. */
const TAKEN = new Set([
  'errno',
  'stdin',
  'stdout',
  'stderr',
  'signed',
  'unsigned',
  'new',
  'delete',
  'default',
])

/** Writes csrc/generated/steps.h from the step table. */
export async function generate(root) {
  const [{ STEPS }, { HOST_STEPS }, { planAbi }, { SYSCALLS }] = await loadTs([
    'lib/plan/steps.ts',
    'lib/plan/steps/host.ts',
    'lib/plan/abi.ts',
    'lib/plan/syscalls.ts',
  ])
  const steps = Object.entries(STEPS).sort(([, a], [, b]) => a.op - b.op)
  check(steps)
  return [
    writeIfChanged(join(root, 'csrc/generated/steps.h'), header(steps, HOST_STEPS, planAbi(), SYSCALLS)),
  ]
}

function check(steps) {
  let last = 0
  for (const [name, { op, fields }] of steps) {
    if (!(op > last && op < 0x1_0000)) throw new Error(`step ${name}: op ${op} is taken or out of range`)
    last = op
    for (const [field, kind] of Object.entries(fields)) {
      if (!KINDS.includes(kind.replace('?', ''))) throw new Error(`${name}.${field}: unknown kind ${kind}`)
    }
  }
}

const ident = (name) => (TAKEN.has(name) ? `${name}_` : name)

function header(steps, hostSteps, abi, syscalls) {
  const inInit = steps.filter(([name]) => !(name in hostSteps))
  const onHost = steps.filter(([name]) => name in hostSteps)
  const kinds = steps.flatMap(([name, { fields }]) => {
    const codes = Object.values(fields).map((kind) => {
      const code = `kind::${kind.replace('?', '')}_`
      return kind.endsWith('?') ? `${code} | kind::optional` : code
    })
    return codes.length === 0 ? [] : [`inline constexpr u8 ${name}[] = {${codes.join(', ')}};`]
  })
  const row = ([name, { fields }]) => {
    const count = Object.keys(fields).length
    return `    {Op::${ident(name)}, ${count}, "${name}", ${count ? `kinds::${name}` : 'nullptr'}},`
  }
  const fieldSpaces = steps.flatMap(([name, { fields }]) => {
    const list = Object.keys(fields).map(ident).join(', ')
    return list === '' ? [] : [`namespace ${ident(name)} {\nenum : u32 { ${list} };\n}`]
  })
  const macro = (name, list) =>
    [`#define ${name}(X)`, ...list.map(([step]) => `  X(${ident(step)})`)].join(' \\\n')
  return `// Made from lib/plan/steps.ts and lib/plan/syscalls.ts by \`npm run generate\`. Don't edit.
#pragma once

#include "../types.h"

// clang-format off
namespace oci {

// Hash of the step table: see lib/plan/abi.ts.
inline constexpr u32 kPlanAbi = 0x${abi.toString(16).padStart(8, '0')};

enum class Op : u16 {
${steps.map(([name, { op }]) => `  ${ident(name)} = ${op},`).join('\n')}
};

// Every step that the interpreter itself carries out, and those that only the addon does.
${macro('OCI_INIT_STEPS', inInit)}

${macro('OCI_HOST_STEPS', onHost)}

// Field indices: f::<step>::<field>.
namespace f {
${fieldSpaces.join('\n')}
}  // namespace f

// Field kinds.
namespace kind {
${KINDS.map((kind, i) => `inline constexpr u8 ${kind}_ = ${i};`).join('\n')}
inline constexpr u8 optional = 0x80;
}  // namespace kind

struct StepInfo {
  Op op;
  u8 fields;
  const char* name;
  const u8* kinds;
};

namespace kinds {
${kinds.join('\n')}
}  // namespace kinds

// The step table, by rising operation number.
inline constexpr StepInfo kSteps[] = {
${steps.map(row).join('\n')}
};
inline constexpr u32 kStepCount = ${steps.length};

// The calls that a failure can name.
enum class Sys : u16 {
${syscalls.map((name) => `  ${name === '' ? 'none' : `${name}_`},`).join('\n')}
};
inline constexpr const char* kSyscallNames[] = {
${syscalls.map((name) => `    "${name}",`).join('\n')}
};
inline constexpr u32 kSyscallCount = ${syscalls.length};

}  // namespace oci
// clang-format on
`
}
