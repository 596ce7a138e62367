import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Container } from 'oci-ts'
import { describe, expect, test } from 'vitest'
import { consoleReceiverBinary } from '../../harness/programs.ts'
import { tempDir } from '../../harness/temp.ts'
import { runInNode } from './node.ts'
import { bundleOf, createShell, shellConfig, textOf, until } from './support.ts'

describe('pipes', () => {
  test('input, output and errors are apart', async () => {
    await using container = await createShell('cat; echo error >&2')
    await container.start()
    container.stdin!.end('input')
    const [stdout, stderr] = await Promise.all([textOf(container.stdout), textOf(container.stderr)])
    expect([stdout, stderr]).toEqual(['input', 'error\n'])
  })

  test('no output is lost at the end, however much', async () => {
    const size = 5_000_000
    await using container = await createShell(`head -c ${size} /dev/zero`)
    let length = 0
    container.stdout!.on('data', (chunk: Buffer) => {
      length += chunk.length
    })
    await container.start()
    await container.wait()
    expect(length).toBe(size)
  })

  test('output that nobody reads does not keep wait, and stays readable', async () => {
    const container = await createShell('echo out; echo err >&2; exit 3')
    await container.start()
    expect((await container.wait()).exitCode).toBe(3)
    await container.delete()
    expect(await textOf(container.stdout)).toBe('out\n')
    expect(await textOf(container.stderr)).toBe('err\n')
  })

  test('what fills a whole pipe stays readable too', async () => {
    const container = await createShell('head -c 65536 /dev/zero')
    await container.start()
    await container.wait()
    await container.delete()
    expect((await textOf(container.stdout)).length).toBe(65536)
    container.stderr!.resume()
  })

  test('a reader that is slow holds the writer back', async () => {
    await using container = await createShell(
      'i=0; while [ $i -lt 200 ]; do head -c 10000 /dev/zero; i=$((i+1)); echo $i >&2; done',
    )
    let progress = 0
    container.stderr!.on('data', (chunk: Buffer) => {
      progress = Number(chunk.toString().trim().split('\n').at(-1))
    })
    container.stdout!.once('readable', () => {})
    await container.start()
    await sleep(300)
    // One pipe and one buffer are full: 64 KiB each, out of 2 MB.
    expect(progress).toBeLessThan(60)
    expect((await textOf(container.stdout)).length).toBe(2_000_000)
    expect((await container.wait()).exitCode).toBe(0)
  })

  test('a slow writer is held back by the program', async () => {
    await using container = await createShell('sleep 0.2; wc -c')
    await container.start()
    const { stdin } = container
    let accepted = true
    for (let i = 0; i < 100 && accepted; i++) accepted = stdin!.write(Buffer.alloc(20_000))
    expect(accepted).toBe(false)
    for (let i = 0; i < 20; i++) stdin!.write(Buffer.alloc(100_000))
    stdin!.end()
    expect(Number((await textOf(container.stdout)).trim())).toBeGreaterThan(2_000_000)
  })

  test('writing to a program that has ended is EPIPE, not a crash', async () => {
    await using container = await createShell('exec <&-; sleep 100')
    const error = new Promise<NodeJS.ErrnoException>((resolve) => container.stdin!.once('error', resolve))
    await container.start()
    const timer = setInterval(() => container.stdin!.write('x'), 10)
    expect((await error).code).toBe('EPIPE')
    clearInterval(timer)
  })

  test('wait waits for a pipe to drain into something slow', async () => {
    await using container = await createShell('head -c 300000 /dev/zero')
    const { Writable } = await import('node:stream')
    let length = 0
    const slow = new Writable({
      highWaterMark: 1000,
      write(chunk, _encoding, done) {
        length += chunk.length
        setTimeout(done, 20)
      },
    })
    container.stdout!.pipe(slow)
    await container.start()
    await container.wait({ drainTimeoutMs: 10 })
    expect(length + slow.writableLength).toBeGreaterThanOrEqual(300_000)
  })

  test('a descendant that holds stdout open delays wait by drainTimeoutMs at most', async () => {
    await using container = await createShell('sleep 1000 & echo done', {}, ({ linux }) => {
      linux!.namespaces = linux!.namespaces!.filter(({ type }) => type !== 'pid')
    })
    let text = ''
    container.stdout!.on('data', (chunk) => {
      text += chunk
    })
    await container.start()
    const begin = performance.now()
    await container.wait({ drainTimeoutMs: 200 })
    expect(performance.now() - begin).toBeGreaterThan(150)
    expect(text).toBe('done\n')
  })

  test('breaking off a read ends it', async () => {
    await using container = await createShell('yes')
    await container.start()
    for await (const chunk of container.stdout!) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    // busybox yes ends at EPIPE or by SIGPIPE.
    const status = await container.wait()
    expect(status.exitCode === 1 || status.signal === 'SIGPIPE').toBe(true)
  })
})

describe('other targets', () => {
  test('fds and ignore', async () => {
    const path = join(tempDir(), 'out')
    const fd = openSync(path, 'w')
    await using container = await createShell('echo $(readlink /proc/self/fd/0); echo e >&2', {
      stdio: ['ignore', fd, fd],
    })
    closeSync(fd)
    expect([container.stdin, container.stdout, container.stderr, container.pty]).toEqual([
      null,
      null,
      null,
      null,
    ])
    await container.start()
    await container.wait()
    expect(readFileSync(path, 'utf8')).toBe('/dev/null\ne\n')
  })

  test('preserved fds are 3 and up, and no others are there', async () => {
    const dir = tempDir()
    const fds = ['a', 'b'].map((name) => openSync(join(dir, name), 'w'))
    await using container = await createShell('echo one >&3; echo two >&4; ls /proc/self/fd', {
      preserveFds: fds,
    })
    for (const fd of fds) closeSync(fd)
    await container.start()
    const list = (await textOf(container.stdout)).trim().split('\n')
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('one\n')
    expect(readFileSync(join(dir, 'b'), 'utf8')).toBe('two\n')
    // ls itself has the directory open as one more.
    expect(list).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  test('LISTEN_FDS and LISTEN_PID are set for sockets', async () => {
    const fd = openSync('/dev/null', 'r')
    await using container = await createShell('echo $LISTEN_FDS $LISTEN_PID', {
      preserveFds: [fd],
      listenFds: 1,
    })
    closeSync(fd)
    await container.start()
    expect(await textOf(container.stdout)).toBe('1 1\n')
  })
})

describe('terminals', () => {
  const terminal = (script: string) =>
    createShell(script, {}, ({ process: own }) => {
      own!.terminal = true
      own!.consoleSize = { height: 30, width: 100 }
    })

  test('a pty with a size, that follows resize', async () => {
    await using container = await terminal(
      'stty size; trap "stty size; exit 0" WINCH; while :; do sleep 0.02; done',
    )
    const { pty } = container
    expect([container.stdin, container.stdout]).toEqual([null, null])
    let text = ''
    pty!.on('data', (chunk) => {
      text += chunk
    })
    await container.start()
    await until(() => text.includes('30 100'), 'the first size')
    expect(pty!.size).toEqual({ rows: 30, columns: 100 })
    await sleep(100)
    pty!.resize({ rows: 40, columns: 120 })
    expect((await container.wait()).exitCode).toBe(0)
    expect(text).toBe('30 100\r\n40 120\r\n')
    expect(() => pty!.resize({ rows: 1, columns: 1 })).toThrow('closed')
  })

  test('input and control characters', async () => {
    await using container = await terminal('tty; read line; echo "got $line"; cat; exit 4')
    let text = ''
    container.pty!.on('data', (chunk) => {
      text += chunk
    })
    await container.start()
    container.pty!.write('hello\r')
    await until(() => text.includes('got hello'), 'the answer')
    container.pty!.write('\x03')
    expect((await container.wait()).exitCode).toBe(130)
    expect(text).toContain('/dev/pts/0')
  })

  test('destroying the pty hangs up', async () => {
    await using container = await terminal('trap "exit 8" HUP; while :; do sleep 0.02; done')
    await container.start()
    await sleep(100)
    container.pty!.destroy()
    expect((await container.wait()).exitCode).toBe(8)
  })

  test('much output is not lost', async () => {
    await using container = await terminal('stty raw; head -c 200000 /dev/zero | tr "\\0" x')
    await container.start()
    expect((await textOf(container.pty)).replaceAll(/[^x]/g, '').length).toBe(200_000)
  })

  test('a console socket gets the master', async () => {
    const dir = tempDir()
    const path = join(dir, `${'long-'.repeat(25)}.sock`)
    const receiver = spawn(consoleReceiverBinary(), [path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = textOf(receiver.stdout)
    await until(() => {
      try {
        execFileSync('test', ['-S', path])
        return true
      } catch {
        return false
      }
    }, 'the socket')
    await using container = await createShell('tty', { consoleSocket: path }, ({ process: own }) => {
      own!.terminal = true
    })
    expect(container.pty).toBe(null)
    await container.start()
    await container.wait()
    await container.delete()
    const text = await output
    expect(text).toContain('/dev/pts/0')
    expect(text).toMatch(/^up\n.*pt(mx|s)/)
  })
})

test('Node ends by itself when a container is gone, and while one runs that nobody waits for', async () => {
  const { dir } = await bundleOf(shellConfig('echo hi'))
  const script = `
    import { Container } from 'oci-ts'
    const c = await Container.create('exit-' + process.pid, { bundle: ${JSON.stringify(dir)} })
    await c.start(); await c.wait(); await c.delete()
    const d = await Container.create('exit-' + process.pid, { bundle: ${JSON.stringify(dir)} })
    console.log('end')`
  const { stdout, exitCode } = await runInNode(script)
  expect({ stdout, exitCode }).toEqual({ stdout: 'end\n', exitCode: 0 })
  for (const { id } of await Container.list()) if (id.startsWith('exit-')) await Container.remove(id)
})
