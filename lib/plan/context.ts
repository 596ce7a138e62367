import { posix } from 'node:path'
import type { Config, Linux } from '../../types/index.ts'
import { OciError } from '../errors.ts'
import { CAP, hasCap } from './capabilities.ts'
import { CLONE } from './constants.ts'
import { type Namespaces, readNamespaces } from './namespaces.ts'
import { SLOT_RANGE } from './slots.ts'
import type { Step } from './steps.ts'
import type { CreateInput, HostFacts, PlanWarning } from './types.ts'
import { MAX_SLOTS } from './wire.ts'

/** What the planners of a new container share. They add to `early`, `late` and `warnings`, and return their own steps. */
export interface CreateContext {
  input: CreateInput
  config: Config
  linux: Linux
  host: HostFacts
  /** Absolute path of the root directory on the host. */
  rootfs: string
  namespaces: Namespaces
  /** The container has a mount namespace of its own, made or joined. */
  mountNs: boolean
  /** The container has a user namespace of its own, made or joined. */
  userNs: boolean
  /**
   * Sources on the host are staged, in a mount namespace of the caller's that the container's is then a copy of: the
   * caller is privileged, and there is a user namespace, whose root may not reach them.
   */
  staged: boolean
  /** Steps of init while it still has the caller's credentials and sees the host. */
  early: Step[]
  /** Those that follow them, when all sources are open: what is staged covers the root directory. */
  stage: Step[]
  /** Steps that make things read-only, when nothing is written there any more. */
  late: Step[]
  warnings: PlanWarning[]
  /** A free slot for a mount, or undefined where there is none left. */
  mountSlot: () => number | undefined
}

/** Takes the input of create apart. */
export function createContext(input: CreateInput): CreateContext {
  const { config, host } = input
  const namespaces = readNamespaces(config, host, input.namespaceIds)
  const userNs = (namespaces.own & CLONE.NEWUSER) !== 0
  let slot: number = SLOT_RANGE.mounts
  return {
    input,
    config,
    linux: config.linux ?? {},
    host,
    rootfs: input.rootfs ?? posix.resolve(input.bundle, config.root.path),
    namespaces,
    mountNs: (namespaces.own & CLONE.NEWNS) !== 0,
    userNs,
    staged: userNs && (namespaces.created & CLONE.NEWNS) !== 0 && hasCap(host.effectiveCaps, CAP.SYS_ADMIN),
    early: [],
    stage: [],
    late: [],
    warnings: [],
    mountSlot: () => (slot < MAX_SLOTS ? slot++ : undefined),
  }
}

/** A path of the container, lexically clean and absolute; `..` does not lead out of the root. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(`/${path}`)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}

/** An error about the config. */
export function invalid(path: string, message: string, hint?: string): OciError {
  return new OciError('ERR_OCI_CONFIG_INVALID', message, { path, hint })
}

/** An error about something that this host or this version can't do. */
export function unsupported(path: string, message: string, hint?: string): OciError {
  return new OciError('ERR_OCI_UNSUPPORTED', message, { path, hint })
}
