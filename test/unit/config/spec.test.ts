import { describe, expect, it } from 'vitest'
import { formatJson } from '../../../lib/config/format.ts'
import { validateConfig } from '../../../lib/config/load.ts'
import { spec } from '../../../lib/config/spec.ts'

const CAPABILITIES = '["CAP_AUDIT_WRITE","CAP_KILL","CAP_NET_BIND_SERVICE"]'

const PROCESS =
  '{"terminal":true,"user":{"uid":0,"gid":0},"args":["sh"],' +
  '"env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","TERM=xterm"],"cwd":"/",' +
  `"capabilities":{"bounding":${CAPABILITIES},"effective":${CAPABILITIES},"permitted":${CAPABILITIES}},` +
  '"rlimits":[{"type":"RLIMIT_NOFILE","hard":1024,"soft":1024}],"noNewPrivileges":true}'

const HEAD =
  `{"ociVersion":"1.3.0","process":${PROCESS},"root":{"path":"rootfs","readonly":true},"hostname":"oci-ts","mounts":[` +
  '{"destination":"/proc","type":"proc","source":"proc"},' +
  '{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]},'

const SHM =
  '{"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777","size=65536k"]},' +
  '{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]},'

const CGROUP =
  '{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","noexec","nodev","relatime","ro"]}],'

const TAIL =
  '"maskedPaths":["/proc/acpi","/proc/asound","/proc/kcore","/proc/keys","/proc/latency_stats","/proc/timer_list",' +
  '"/proc/timer_stats","/proc/sched_debug","/sys/firmware","/proc/scsi"],' +
  '"readonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}}'

describe('spec', () => {
  it('is the config that runc spec writes, in the same order', () => {
    expect(JSON.stringify(spec())).toBe(
      `${HEAD}{"destination":"/dev/pts","type":"devpts","source":"devpts",` +
        `"options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"]},${SHM}` +
        `{"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]},${CGROUP}` +
        '"linux":{"resources":{"devices":[{"allow":false,"access":"rwm"}]},' +
        `"namespaces":[{"type":"pid"},{"type":"network"},{"type":"ipc"},{"type":"uts"},{"type":"mount"}],${TAIL}`,
    )
  })

  it('is the config that runc spec --rootless writes, for the ids of the caller', () => {
    expect(JSON.stringify(spec({ rootless: true, uid: 1000, gid: 1001 }))).toBe(
      `${HEAD}{"destination":"/dev/pts","type":"devpts","source":"devpts",` +
        `"options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620"]},${SHM}` +
        '{"destination":"/sys","type":"none","source":"/sys","options":["rbind","nosuid","noexec","nodev","ro"]},' +
        `${CGROUP}"linux":{"uidMappings":[{"containerID":0,"hostID":1000,"size":1}],` +
        '"gidMappings":[{"containerID":0,"hostID":1001,"size":1}],' +
        `"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},{"type":"user"}],${TAIL}`,
    )
    const { uidMappings, gidMappings } = spec({ rootless: true }).linux!
    expect([uidMappings![0]!.hostID, gidMappings![0]!.hostID]).toEqual([
      process.geteuid!(),
      process.getegid!(),
    ])
  })

  it('has a cgroup namespace where runc would add one', () => {
    const types = (rootless: boolean): string[] =>
      spec({ cgroupNamespace: true, rootless }).linux!.namespaces!.map(({ type }) => type)
    expect(types(false)).toEqual(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'])
    expect(types(true)).toEqual(['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'])
  })

  it('is valid, without a warning', () => {
    for (const config of [spec(), spec({ rootless: true }), spec({ cgroupNamespace: true })]) {
      validateConfig(config, { onWarning: ({ path, message }) => expect.fail(`${path}: ${message}`) })
    }
  })

  it('is a new object each time', () => {
    const first = spec()
    first.process!.capabilities!.bounding!.push('CAP_SYS_ADMIN')
    first.mounts![1]!.options!.length = 0
    expect(formatJson(spec())).not.toContain('CAP_SYS_ADMIN')
    expect(spec().process!.capabilities!.effective).toHaveLength(3)
    expect(spec().mounts![1]!.options).toHaveLength(4)
  })
})
