import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { type Bundle, Container } from 'oci-ts'
import { type Subject, timeEach } from './measure.ts'

const run = promisify(execFile)

/** The bare program: its own clock, so that starting it does not count. */
export function bareSubject(program: string, rootfs: string, state: string): Subject {
  return {
    name: 'bare C program',
    async measure(count) {
      const { stdout } = await run(program, [rootfs, state, String(count), '/bin/true'])
      return stdout
        .trim()
        .split('\n')
        .map((line) => Number(line) / 1e6)
    },
  }
}

let serial = 0

/** One whole life in process: create, start, wait, delete. */
export async function life(bundle: Bundle, root: string): Promise<void> {
  const container = await Container.create(`bench-${process.pid}-${serial++}`, {
    bundle,
    root,
    stdio: 'ignore',
  })
  await container.start()
  const { exitCode } = await container.wait()
  if (exitCode !== 0) throw new Error(`the container ended with ${exitCode}`)
  await container.delete()
}

export function oursSubject(bundle: Bundle, root: string, name = 'oci-ts, in process'): Subject {
  return { name, measure: (count) => timeEach(count, () => life(bundle, root)) }
}

/** Runs a program to its end without output; fails if it does not exit 0. */
export function spawnQuiet(file: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (data) => {
      errors += data
    })
    child.on('error', reject)
    // Not `close`: a container that goes on running holds the pipe.
    child.on('exit', (code) => {
      child.stderr.destroy()
      if (code === 0) resolve()
      else reject(new Error(`${file} ${args.join(' ')}: exit ${code}: ${errors}`))
    })
  })
}

/** `RUNTIME run` as a process: create, start, wait, delete. */
export function peerSubject(name: string, runtime: string, bundle: string, root: string): Subject {
  return {
    name: `${name} run`,
    measure: (count) =>
      timeEach(count, () =>
        spawnQuiet(runtime, ['--root', root, 'run', '--bundle', bundle, `bench-${process.pid}-${serial++}`]),
      ),
  }
}

export function oursExecSubject(container: Container): Subject {
  return {
    name: 'oci-ts exec, in process',
    measure: (count) =>
      timeEach(count, async () => {
        const child = await container.exec({ args: ['/bin/true'], stdio: 'ignore' })
        const { exitCode } = await child.wait()
        if (exitCode !== 0) throw new Error(`exec ended with ${exitCode}`)
      }),
  }
}

export function peerExecSubject(name: string, runtime: string, root: string, id: string): Subject {
  return {
    name: `${name} exec`,
    measure: (count) => timeEach(count, () => spawnQuiet(runtime, ['--root', root, 'exec', id, '/bin/true'])),
  }
}
