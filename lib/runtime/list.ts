import { isOciError } from '../errors.ts'
import { type ContainerState, currentSituation, stateOf } from './status.ts'
import { listIds } from './store.ts'

/** The states of all containers of a root; entries that vanish or can't be read are left out. */
export async function listContainers(root: string): Promise<ContainerState[]> {
  const states: ContainerState[] = []
  for (const id of await listIds(root)) {
    try {
      const found = await currentSituation(root, id)
      if (found !== null) states.push(stateOf(found.record, found.status))
    } catch (error) {
      if (!isOciError(error)) throw error
    }
  }
  return states
}
