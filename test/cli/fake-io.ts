import type { Test } from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { CliIo, CliSignal } from '../../src/cli/cli-io.ts'
import { runCli } from '../../src/cli/program.ts'
import { LogOutput } from '../../src/log-output.ts'
import { LOOPBACK, NOW, type FakeDeps } from '../admin/fake-deps.ts'

/** What a command printed and how it ended. */
export type CliRun = { readonly exitCode: number; readonly stdout: string; readonly stderr: string }

export type FakeIo = {
  readonly io: CliIo
  readonly stdout: () => string
  readonly stderr: () => string
  /** Delivers a signal to whoever listens. */
  readonly signal: (signal: CliSignal) => void
  readonly listeners: () => number
  readonly exits: readonly number[]
}

/** An io without a process: output is kept, sleeping moves its clock and takes no time. */
export function createFakeIo(argv: readonly string[], changes: Partial<CliIo> = {}): FakeIo {
  let stdout = ''
  let stderr = ''
  let elapsedMs = 0
  const listeners = new Map<() => void, CliSignal>()
  const exits: number[] = []
  const io: CliIo = {
    argv,
    env: {},
    stdin: toStream([]),
    stdout: { write: () => undefined },
    stderr: { write: (text) => (stderr += text) },
    clock: { now: () => NOW + elapsedMs, monotonic: () => elapsedMs },
    sleep: async (ms) => void (elapsedMs += ms),
    onSignal: (signal, listener) => {
      listeners.set(listener, signal)
      return () => listeners.delete(listener)
    },
    exitNow: (code) => void exits.push(code),
    version: '1.2.3',
    cores: 1,
    openFiles: () => null,
    openLog: async () =>
      new LogOutput({
        writableLength: 0,
        write: (text, done) => {
          stdout += text
          done()
        },
      }),
    loadGateway: () => Promise.reject(new Error('no gateway here')),
    loadSupervisor: () => Promise.reject(new Error('no supervisor here')),
    loadDemo: () => Promise.reject(new Error('no demo here')),
    ...changes,
  }
  const write = (text: string) => (stdout += text)
  return {
    io: { ...io, stdout: { ...io.stdout, write } },
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (wanted) => {
      for (const [listener, signal] of [...listeners]) if (signal === wanted) listener()
    },
    listeners: () => listeners.size,
    exits,
  }
}

/** Runs a command line to its end. */
export async function run(argv: readonly string[], changes: Partial<CliIo> = {}): Promise<CliRun> {
  const fake = createFakeIo(argv, changes)
  const exitCode = await runCli(fake.io)
  return { exitCode, stdout: fake.stdout(), stderr: fake.stderr() }
}

/** Serves an admin API on a free port of 127.0.0.1 until the test ends; resolves with its URL. */
export async function serveAdmin(t: Test, deps: FakeDeps, config = LOOPBACK): Promise<string> {
  const app = createAdminServer(deps, config)
  t.teardown(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

/** The chunks as a standard input. */
export async function* toStream<T extends string | Uint8Array>(
  chunks: readonly T[],
): AsyncGenerator<T> {
  yield* chunks
}
