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

// A reader that has seen enough (`serin status | head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
}

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
  loadGateway: () => import('./gateway.ts'),
  loadSupervisor: async () => ({
    ...(await import('./workers/supervisor.ts')),
    ...(await import('./workers/fork-worker.ts')),
  }),
  loadDemo: () => import('./demo/run-demo.ts'),
})

/** The version of the package that this file lies in, built (`dist/`) or not. */
function readVersion(): string {
  const file = ['../package.json', '../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))
  if (file === undefined) return 'unknown'
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }
  return version
}
