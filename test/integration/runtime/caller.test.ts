import { expect, test } from 'vitest'
import { createShell, runShell, textOf } from './support.ts'

const script = 'grep Groups: /proc/self/status; umask'
const words = (text: string) => text.trim().split(/\s+/)

test('the caller’s groups and umask are not the container’s', async () => {
  const groups = process.getgroups!()
  const mask = process.umask(0o077)
  process.setgroups!([4321, 4322])
  try {
    expect(words((await runShell(script)).stdout)).toEqual(['Groups:', '0022'])
    const { stdout } = await runShell(script, (config) => {
      config.process!.user = { uid: 0, gid: 0, additionalGids: [7], umask: 0o027 }
    })
    expect(words(stdout)).toEqual(['Groups:', '7', '0027'])

    await using container = await createShell(['sleep', '1000'], { stdio: 'ignore' })
    await container.start()
    const child = await container.exec({ args: ['sh', '-c', script] })
    expect(words(await textOf(child.stdout))).toEqual(['Groups:', '0022'])
    await child.wait()
  } finally {
    process.setgroups!(groups)
    process.umask(mask)
  }
})
