#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { runCli } from './cli/program.ts'
import { keepGarbageYoung } from './keep-garbage-young.ts'
import { keepTicksFast } from './keep-ticks-fast.ts'
import { letHelpersYield } from './let-helpers-yield.ts'
import { readOpenFilesLimit } from './proxy/open-files.ts'

keepGarbageYoung()
keepTicksFast()
letHelpersYield()

// A reader that has seen enough (`serin status | head`) is no failure; a disk that is full (`serin plan > FILE`) is one.
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`serin: what there is to say cannot be written: ${error.message}\n`)
  process.exit(1)
}
const streams = [process.stdout, process.stderr]
for (const stream of streams) stream.on('error', endWithReader)

/** How long the last lines of the log may take. */
const LAST_LINES_MS = 1_000
let logSettled = (): Promise<void> => Promise.resolve()

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  sleep: (ms, signal) =>
    delay(ms, undefined, { signal }).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error
    }),
  onSignal: (signal, listener) => {
    process.on(signal, listener)
    return () => process.off(signal, listener)
  },
  exitNow: (code) => process.exit(code),
  version: readVersion(),
  cores: availableParallelism(),
  openFiles: readOpenFilesLimit,
  openLog: async () => {
    // Who serves goes on, whether anybody reads or not.
    for (const stream of streams) stream.off('error', endWithReader).on('error', () => {})
    const { openLogOutput } = await import('./log-output.ts')
    const output = openLogOutput(process.stdout, 1)
    logSettled = () => output.settled()
    return output
  },
  loadGateway: () => import('./gateway.ts'),
  loadSupervisor: async () => ({
    ...(await import('./workers/supervisor.ts')),
    ...(await import('./workers/fork-worker.ts')),
    ...(await import('./workers/own-counts.ts')),
  }),
  loadDemo: () => import('./demo/run-demo.ts'),
})
await endWithoutReader()

/** A pipe that nobody reads would keep the process when all else has ended. */
async function endWithoutReader(): Promise<void> {
  const settled = new AbortController()
  const { signal } = settled
  const isLate = delay(LAST_LINES_MS, true, { signal }).catch(() => false)
  if (await Promise.race([logSettled(), isLate])) process.exit()
  settled.abort()
}

/** The version of the package that this file lies in, built (`dist/`) or not. */
function readVersion(): string {
  const file = ['../package.json', '../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))
  if (file === undefined) return 'unknown'
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }
  return version
}
