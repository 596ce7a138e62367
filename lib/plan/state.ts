import type { Config, State, Status } from '../../types/index.ts'
import { OCI_VERSION } from '../config/spec.ts'

/** What the state of a container is made of, but for its status and pid. */
export interface StateInput {
  id: string
  /** Absolute path of the bundle. */
  bundle: string
  config: Pick<Config, 'annotations'>
}

/** The state of a container as runtime.md has it. A container without a process has pid 0. */
export function containerState({ id, bundle, config }: StateInput, status: Status, pid: number): State {
  const annotations = config.annotations
  const hasAny = annotations !== undefined && Object.keys(annotations).length > 0
  return { ociVersion: OCI_VERSION, id, status, pid, bundle, ...(hasAny ? { annotations } : {}) }
}

/** A container's state as JSON text on one line, cut in two where the pid belongs: only the process knows it. */
export function stateAroundPid(input: StateInput, status: Status): [head: Uint8Array, tail: Uint8Array] {
  const { ociVersion, id, bundle, annotations } = containerState(input, status, 0)
  const head = JSON.stringify({ ociVersion, id, status })
  const tail = JSON.stringify({ bundle, annotations })
  const encoder = new TextEncoder()
  return [encoder.encode(`${head.slice(0, -1)},"pid":`), encoder.encode(`,${tail.slice(1)}`)]
}
