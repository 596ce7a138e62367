import { describe, expect, test } from 'vitest'
import { runcStats } from '../../../lib/cli/runc-stats.ts'
import { jsonText } from '../../../lib/runtime/record.ts'

const FLAGS =
  '"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance"'

describe('runc’s JSON, member after member', () => {
  test('v1, without a loss', () => {
    const texts = {
      'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 123456\n',
      'cpuacct.usage': '50\n',
      'cpuacct.usage_user': '40\n',
      'cpuacct.usage_sys': '10\n',
      'cpuacct.usage_percpu': '20 30 \n',
      'cpuacct.usage_all': 'cpu user system\n0 20 0\n1 20 10\n',
      'cpuset.cpus': '0-1\n',
      'cpuset.mems': '0\n',
      'cpuset.sched_load_balance': '1\n',
      'cpuset.sched_relax_domain_level': '-1\n',
      'memory.stat': 'rss 8192\ncache 4096\nhierarchical_memory_limit 9223372036854771712\n',
      'memory.usage_in_bytes': '20480\n',
      'memory.max_usage_in_bytes': '30000\n',
      'memory.failcnt': '4\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'memory.kmem.usage_in_bytes': '0\n',
      'memory.kmem.max_usage_in_bytes': '0\n',
      'memory.kmem.failcnt': '0\n',
      'pids.current': '7\n',
      'pids.max': 'max\n',
      'blkio.throttle.io_service_bytes_recursive': '8:0 Read 100\n8:0 Write 0\n8:0 Total 100\nTotal 100\n',
      'blkio.throttle.io_serviced_recursive': '8:0 Read 2\nTotal 2\n',
      'hugetlb.2MB.usage_in_bytes': '0\n',
      'hugetlb.2MB.failcnt': '1\n',
      'cpu.pressure': 'some avg10=1.50 avg60=0.00 avg300=0.00 total=1\n',
    }
    const text = jsonText(runcStats({ texts, hugePageSizes: ['2MB'], mode: 'hybrid' }))
    expect(text).toBe(
      '{"cpu":{"usage":{"total":50,"percpu":[20,30],"percpu_kernel":[0,10],"percpu_user":[20,20],"kernel":10,"user":40},' +
        '"throttling":{"periods":10,"throttledPeriods":3,"throttledTime":123456}},' +
        `"cpuset":{"cpus":[0,1],"cpu_exclusive":0,"mems":[0],${FLAGS}:1,"sched_relax_domain_level":-1},` +
        '"memory":{"cache":4096,"usage":{"limit":9223372036854771712,"usage":20480,"max":30000,"failcnt":4},' +
        '"swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0},' +
        '"raw":{"cache":4096,"hierarchical_memory_limit":9223372036854771712,"rss":8192}},"pids":{"current":7},' +
        '"blkio":{"ioServiceBytesRecursive":[{"major":8,"op":"Read","value":100},{"major":8,"op":"Write"},' +
        '{"major":8,"op":"Total","value":100}],"ioServicedRecursive":[{"major":8,"op":"Read","value":2}]},' +
        '"hugetlb":{"2MB":{"failcnt":1}},"intel_rdt":{},"network_interfaces":null}',
    )
  })

  test('v2: swap is told with memory, and pressure', () => {
    const pressure =
      'some avg10=1.50 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n'
    const texts = {
      'cpu.stat':
        'usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
      'cpu.pressure': pressure,
      'cpuset.cpus.effective': '0-1\n',
      'cpuset.mems.effective': '0\n',
      'memory.stat': 'file 20\nanon 10\n',
      'memory.current': '100\n',
      'memory.peak': '150\n',
      'memory.max': '200\n',
      'memory.swap.current': '7\n',
      'memory.swap.max': '50\n',
      'pids.current': '2\n',
      'pids.max': '64\n',
      'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=0 dbytes=5 dios=6\n',
      'io.pressure': pressure,
      'hugetlb.2MB.current': '4\n',
    }
    const psi =
      '"psi":{"some":{"avg10":1.5,"avg60":0,"avg300":0,"total":12},"full":{"avg10":0,"avg60":0,"avg300":0,"total":3}}'
    const stats = (more: object) =>
      jsonText(runcStats({ texts: { ...texts, ...more }, hugePageSizes: ['2MB'], mode: 'v2' }))
    expect(stats({})).toBe(
      `{"cpu":{"usage":{"total":5000,"kernel":2000,"user":3000},"throttling":{},${psi}},` +
        `"cpuset":{"cpu_exclusive":0,${FLAGS}:0,"sched_relax_domain_level":0},` +
        '"memory":{"cache":20,"usage":{"limit":200,"usage":100,"max":150,"failcnt":0},' +
        '"swap":{"limit":250,"usage":107,"failcnt":0},"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0},' +
        '"raw":{"anon":10,"file":20}},"pids":{"current":2,"limit":64},' +
        '"blkio":{"ioServiceBytesRecursive":[{"major":8,"op":"Read","value":1},{"major":8,"op":"Write","value":2}],' +
        `"ioServicedRecursive":[{"major":8,"op":"Read","value":3},{"major":8,"op":"Write"}],${psi}},` +
        '"hugetlb":{"2MB":{"usage":4,"failcnt":0}},"intel_rdt":{},"network_interfaces":null}',
    )
    const unlimited = stats({ 'memory.max': 'max\n' })
    expect(unlimited).toContain('"usage":{"limit":18446744073709551615,"usage":100')
    expect(unlimited).toContain('"swap":{"limit":18446744073709551615,"usage":107')
  })
})
