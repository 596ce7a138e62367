import { DISABLED_LOCATION } from '../cgroup/location.ts'
import { checkContainerId } from '../config/id.ts'
import { checkOptions } from '../config/options.ts'
import { OciError } from '../errors.ts'
import { throwIfAborted } from './abort.ts'
import type { DeleteOptions, RootOptions } from './call-options.ts'
import { ContainerHandle, containerKey } from './container-handle.ts'
import { createContainer } from './create.ts'
import { deleteById } from './delete.ts'
import { listContainers } from './list.ts'
import { oomKills } from './oom.ts'
import { type CreateOptions, checkCreateOptions, checkSignal, emitWarning } from './options.ts'
import { ProcessHandle } from './process.ts'
import { inTurn } from './queue.ts'
import type { ContainerRecord } from './record.ts'
import { type ContainerState, currentSituation } from './status.ts'
import { NO_STREAMS } from './stdio.ts'
import { stateRoot } from './store.ts'
import { rememberWatch, watchProcess } from './watches.ts'

/** `Container.create`. */
export async function createHandle(id: string, options: CreateOptions): Promise<ContainerHandle> {
  checkContainerId(id)
  const checked = checkCreateOptions(options)
  const root = stateRoot(options.root)
  const created = await inTurn(containerKey(root, id), checked.signal, () =>
    createContainer(root, id, checked),
  )
  const { head, handle, snapshot, state, report, tracer } = created
  rememberWatch(head, handle.watch!)
  handle.watch!.countOom(() => oomKills(head.cgroup))
  const { warn } = checked
  return new ContainerHandle({
    root,
    head,
    config: snapshot.config,
    process: handle,
    state,
    report,
    tracer,
    warn,
  })
}

/** `Container.load`. */
export async function loadHandle(id: string, options: RootOptions): Promise<ContainerHandle> {
  checkContainerId(id)
  checkOptions('Container.load', options, ['root', 'signal'])
  throwIfAborted(checkSignal(options.signal))
  const root = stateRoot(options.root)
  const { config, ...head } = await loadRecord(root, id)
  const watch = watchProcess(head)
  watch?.countOom(() => oomKills(head.cgroup))
  const process = new ProcessHandle(head.pid, watch, NO_STREAMS, null)
  return new ContainerHandle({
    root,
    head,
    config,
    process,
    state: -1,
    report: -1,
    tracer: undefined,
    warn: emitWarning,
  })
}

/** The record of a container that is created, or will never be: its creator is dead. */
async function loadRecord(root: string, id: string): Promise<ContainerRecord> {
  const found = await currentSituation(root, id)
  if (found !== null && found.status !== 'creating') {
    const { record } = found
    // Whether that cgroup was ever its own only a deletion finds out.
    return record.pid === 0 ? { ...record, cgroup: DISABLED_LOCATION } : record
  }
  throw new OciError('ERR_OCI_STATE', `container ${id} is not created completely`, {
    containerId: id,
    hint: 'if nobody is creating it, Container.remove(id, { force: true }) takes away what is left of it',
  })
}

/** `Container.list`. */
export async function listStates(options: RootOptions): Promise<ContainerState[]> {
  checkOptions('Container.list', options, ['root', 'signal'])
  throwIfAborted(checkSignal(options.signal))
  return listContainers(stateRoot(options.root))
}

/** `Container.remove`. */
export async function removeContainer(id: string, options: DeleteOptions & RootOptions): Promise<void> {
  checkContainerId(id)
  checkOptions('Container.remove', options, ['force', 'root', 'signal'])
  const { force = false } = options
  const signal = checkSignal(options.signal)
  const root = stateRoot(options.root)
  await inTurn(containerKey(root, id), signal, () =>
    deleteById(root, id, { force, signal, warn: emitWarning }),
  )
}
