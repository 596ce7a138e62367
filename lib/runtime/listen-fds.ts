import type { Config } from '../../types/index.ts'

/** The config with the environment of sd_listen_fds(3) for this many sockets; LISTEN_PID only init can know. */
export function withListenFds(config: Config, count: number, names: string | undefined): Config {
  if (count === 0 || config.process === undefined) return config
  const env = [...(config.process.env ?? []), `LISTEN_FDS=${count}`]
  if (names !== undefined) env.push(`LISTEN_FDNAMES=${names}`)
  return { ...config, process: { ...config.process, env } }
}
