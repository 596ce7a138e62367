import { explainPlan, explainPlanJson } from '../../plan/explain.ts'
import { operations } from '../../runtime/lazy.ts'
import { checkCreateOptions } from '../../runtime/options.ts'
import { defineCommand } from '../command.ts'
import { CREATE_FLAGS, createOptions } from '../container.ts'

export const plan = defineCommand({
  summary: 'print the steps that would create a container, and do nothing',
  args: '[container-id]',
  count: [0, 1],
  flags: { ...CREATE_FLAGS, json: { type: 'bool', help: 'print them as JSON' } },
  async run(invocation) {
    // Both ways to handle a terminal can be planned: by a console socket, and in the foreground.
    const given = invocation.flags['console-socket'] === undefined
    const options = checkCreateOptions({ ...(await createOptions(invocation, !given)), stdio: 'ignore' })
    const { planContainer } = await operations()
    const launch = await planContainer(invocation.args[0] ?? 'plan', options)
    const text = invocation.flags.json
      ? JSON.stringify(
          explainPlanJson(launch),
          (_, value) => (typeof value === 'bigint' ? String(value) : value),
          2,
        )
      : explainPlan(launch)
    invocation.print(`${text.trimEnd()}\n`)
    return 0
  },
})
