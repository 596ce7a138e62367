import { existsSync, readFileSync } from 'node:fs'

/** Whether the host has cgroup v2 only. */
export const unified = existsSync('/sys/fs/cgroup/cgroup.controllers')

/** Where groups of processes have real time of their own (cgroup v1), new ones have none. */
export const noRealTime = ['cpu', 'cpu,cpuacct'].some((name) =>
  existsSync(`/sys/fs/cgroup/${name}/cpu.rt_runtime_us`),
)

/** Whether AppArmor is there and on. */
export const hasApparmor = /^Y/.test(text('/sys/module/apparmor/parameters/enabled'))

/** Whether the host's /dev is mounted read-only. */
export const hostDevReadonly = / \/dev ro,/.test(text('/proc/self/mountinfo'))

/** Whether /dev/core has something to lead to. */
export const hasKcore = existsSync('/proc/kcore')
/** How crun differs where it has not. */
export const NO_KCORE = 'links to /proc/kcore where there is none'

/** That all runtimes refuse a bundle, and why. */
export const ALL = (why: string) => ({ 'oci-ts': why, runc: why, crun: why })

function text(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
