import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'

const STOPPED_WITHIN_MS = 10_000

/** How a process is started; `core` is the only one that it may use, or those are. */
export type Launch = {
  readonly command: readonly string[]
  readonly core: number | readonly number[]
  readonly env?: Readonly<Record<string, string>>
  readonly stdio?: StdioOptions
}

/**
 * The processes of one run. However the run ends, save by SIGKILL, none of them outlives it: each leads
 * a process group of its own, which is killed as a whole when the run's process exits.
 */
export class Processes {
  readonly #running = new Set<ChildProcess>()

  constructor() {
    process.once('exit', () => {
      for (const child of this.#running) killGroup(child, 'SIGKILL')
    })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => process.exit(1))
    }
  }

  /** Its pid is that of the command itself. */
  start({ command, core, env, stdio }: Launch): ChildProcess {
    // taskset replaces itself by the command, so the child's pid is the server's.
    const child = spawn('taskset', ['-c', [core].flat().join(','), ...command], {
      stdio: stdio ?? ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production', ...env },
      detached: true,
    })
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }

  /** Runs a command to its end and resolves to what it printed. @throws when it fails */
  async run(launch: Launch): Promise<string> {
    const child = this.start({ ...launch, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    child.stdout!.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
    child.stderr!.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === 0) return output.stdout
    throw new Error(
      `${launch.command.join(' ')} ended with ${code}:\n${output.stdout}${output.stderr}`,
    )
  }

  /** Asks a process to end, and kills its group after 10 s. */
  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => killGroup(child, 'SIGKILL'), STOPPED_WITHIN_MS)
    await gone
    clearTimeout(timer)
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // Nobody is left in the group.
  }
}
