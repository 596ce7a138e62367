import type { Config } from '../../types/index.ts'

/** Name of the socket in the notify directory. */
export const NOTIFY_SOCKET = 'notify.sock'

const INSIDE = '/run/notify'

/**
 * The config with an sd_notify(3) socket in it: the directory, and not the socket, is bound, since the socket is made
 * only before the start. null: as it is.
 */
export function withNotify(config: Config, directory: string | null): Config {
  if (directory === null) return config
  const mount = {
    destination: INSIDE,
    type: 'bind',
    source: directory,
    options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
  }
  const mounts = [...(config.mounts ?? []), mount]
  if (config.process === undefined) return { ...config, mounts }
  const env = [...(config.process.env ?? []), `NOTIFY_SOCKET=${INSIDE}/${NOTIFY_SOCKET}`]
  return { ...config, mounts, process: { ...config.process, env } }
}
