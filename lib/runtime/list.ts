import { isOciError } from '../errors.ts'
import { type ContainerState, currentStatus, stateOf } from './status.ts'
import { listIds, readRecord } from './store.ts'

/** The states of all containers of a root; entries that vanish or can't be read are left out. */
export async function listContainers(root: string): Promise<ContainerState[]> {
  const states: ContainerState[] = []
  for (const id of await listIds(root)) {
    try {
      const record = await readRecord(root, id)
      if (record !== null) states.push(stateOf(record, await currentStatus(root, record)))
    } catch (error) {
      if (!isOciError(error)) throw error
    }
  }
  return states
}
