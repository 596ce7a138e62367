import { escapePointer, invalidLimit, type LimitPlan, unsupportedLimit } from '../limit-plan.ts'

/** Files that would freeze, kill or move processes in the midst of a launch. */
const REFUSED: readonly string[] = ['cgroup.freeze', 'cgroup.kill', 'cgroup.procs', 'cgroup.threads']

/**
 * Texts for files of the cgroup, written last, a write a line.
 *
 * @param controllers what the hierarchy has
 */
export function unified(
  out: LimitPlan,
  dir: string,
  files: Readonly<Record<string, string>>,
  controllers: readonly string[],
): void {
  for (const [file, text] of Object.entries(files)) {
    const from = `unified/${escapePointer(file)}`
    const [controller, parameter] = file.split('.', 2)
    if (/[/\0]/.test(file)) throw invalidLimit(from, 'expected the name of a file (no slashes)')
    if (!controller || !parameter) throw invalidLimit(from, 'expected the form CONTROLLER.PARAMETER')
    if (REFUSED.includes(file)) throw invalidLimit(from, 'this file is no limit, and is not for the config')
    // Pressure files are there without a controller.
    if (controller !== 'cgroup' && !controllers.includes(controller) && !file.endsWith('.pressure')) {
      throw unsupportedLimit(from, `controller ${controller} is not available on this host's cgroup v2`)
    }
    for (const line of text.split('\n')) {
      if (line !== '') out.write(dir, file, line, from)
    }
  }
}
