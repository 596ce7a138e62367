import { parseLayout, withControllers } from '../../../lib/cgroup/layout.ts'
import type { CgroupLayout } from '../../../lib/cgroup/types.ts'
import type { Step } from '../../../lib/plan/steps.ts'

/** Texts of three machines, and their layouts. */

/** Debian 9 under systemd: v1 alone, with controllers mounted together. */
export const V1_MOUNTINFO = `
17 22 0:16 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
22 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
25 17 0:20 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
26 25 0:21 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:10 - cgroup cgroup rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd
28 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:13 - cgroup cgroup rw,cpu,cpuacct
29 25 0:24 / /sys/fs/cgroup/cpuset rw,nosuid,nodev,noexec,relatime shared:14 - cgroup cgroup rw,cpuset
30 25 0:25 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:15 - cgroup cgroup rw,memory
31 25 0:26 / /sys/fs/cgroup/devices rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,devices
32 25 0:27 / /sys/fs/cgroup/freezer rw,nosuid,nodev,noexec,relatime shared:17 - cgroup cgroup rw,freezer
33 25 0:28 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid,nodev,noexec,relatime shared:18 - cgroup cgroup rw,net_cls,net_prio
34 25 0:29 / /sys/fs/cgroup/blkio rw,nosuid,nodev,noexec,relatime shared:19 - cgroup cgroup rw,blkio
35 25 0:30 / /sys/fs/cgroup/pids rw,nosuid,nodev,noexec,relatime shared:20 - cgroup cgroup rw,pids
36 25 0:31 / /sys/fs/cgroup/hugetlb rw,nosuid,nodev,noexec,relatime shared:21 - cgroup cgroup rw,hugetlb
37 25 0:32 / /sys/fs/cgroup/rdma rw,nosuid,nodev,noexec,relatime shared:22 - cgroup cgroup rw,rdma
`
export const V1_SELF = `11:rdma:/
10:hugetlb:/
9:pids:/user.slice/user-0.slice/session-1.scope
8:blkio:/
7:net_cls,net_prio:/
6:freezer:/
5:devices:/user.slice
4:memory:/
3:cpuset:/
2:cpu,cpuacct:/
1:name=systemd:/user.slice/user-0.slice/session-1.scope
`

/** A v1 machine whose v2 side has one controller. */
export const HYBRID_MOUNTINFO = `
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
export const HYBRID_SELF = `9:name=systemd:/
8:pids:/
6:freezer:/
5:devices:/
4:memory:/agents/4711
3:cpuset:/
1:cpu:/
0::/
`

/** Debian 12: v2 alone. */
export const V2_MOUNTINFO = `
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
26 17 0:22 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`
export const V2_SELF = '0::/user.slice/user-1000.slice/session-2.scope\n'
export const V2_CONTROLLERS = 'cpuset cpu io memory hugetlb pids rdma misc\n'

export const V1: CgroupLayout = parseLayout({ mountinfo: V1_MOUNTINFO, selfCgroup: V1_SELF, cgroup2: false })
export const HYBRID: CgroupLayout = withControllers(
  parseLayout({ mountinfo: HYBRID_MOUNTINFO, selfCgroup: HYBRID_SELF, cgroup2: false }),
  'hugetlb\n',
)
export const V2: CgroupLayout = withControllers(
  parseLayout({ mountinfo: V2_MOUNTINFO, selfCgroup: V2_SELF, cgroup2: true }),
  V2_CONTROLLERS,
)

const ROOT = '/sys/fs/cgroup/'
const NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  13: 'EACCES',
  16: 'EBUSY',
  17: 'EEXIST',
  22: 'EINVAL',
  30: 'EROFS',
  95: 'EOPNOTSUPP',
}

/** Steps as lines: `write memory/x/memory.limit_in_bytes=1 [EINVAL]`; `||` is an orElse. */
export function lines(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    const fields = step as unknown as Record<string, unknown>
    const short = (path: unknown) => String(path).replace(ROOT, '')
    const data = fields.data instanceof Uint8Array ? `=${Buffer.from(fields.data).toString()}` : ''
    const paths = ['fromPath', 'toPath', 'path']
      .filter((name) => name in fields)
      .map((name) => short(fields[name]))
    const flags = ['parents', 'existOk', 'onlyIfEmpty', 'v1', 'kill'].filter((name) => fields[name])
    const numbers = ['to', 'slot', 'uid', 'signal', 'timeoutMs', 'frozen', 'freezer']
      .filter((name) => fields[name] !== undefined)
      .map((name) => `${name}=${short(fields[name])}`)
    const ignore = step.ignore ? [`[${step.ignore.map((errno) => NAMES[errno] ?? errno).join(' ')}]`] : []
    return [
      ...(step.orElse ? ['||'] : []),
      step.op,
      ...paths.map((path, index) => (index === paths.length - 1 ? path + data : path)),
      ...(paths.length === 0 && data ? [data] : []),
      ...numbers,
      ...flags,
      ...ignore,
    ].join(' ')
  })
}

/** The `from` pointers of steps, without repeats. */
export function pointers(steps: readonly Step[]): string[] {
  return [...new Set(steps.map(({ from }) => from ?? ''))]
}
