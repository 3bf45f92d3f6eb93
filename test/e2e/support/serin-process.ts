import { spawn } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { stringify } from 'yaml'
import { until } from './until.ts'
import { PROGRAM } from '../../support/program.ts'

/** How a process ended. */
export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** One line of the gateway's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string }

/** A process that this test started. */
type SerinProcess = {
  readonly pid: number
  readonly ended: Promise<Ended>
  readonly logs: () => readonly LogLine[]
  readonly kill: (signal: NodeJS.Signals) => void
}

/** A gateway that listens. */
export type SerinGateway = SerinProcess & {
  /** Origins of the two ports. */
  readonly data: string
  readonly admin: string
  /** SIGTERM, then its end. */
  readonly stop: () => Promise<Ended>
}

/** Writes a configuration and gives its path; whoever reads it meanwhile finds the one before, and no half. */
export function writeConfig(folder: string, config: unknown, name = 'serin.yaml'): string {
  const file = join(folder, name)
  writeFileSync(`${file}.new`, typeof config === 'string' ? config : stringify(config))
  renameSync(`${file}.new`, file)
  return file
}

/** Starts `serin serve -c file` and waits until both ports are open. `program`: serin itself. */
export async function startSerin(
  t: Test,
  file: string,
  env: Readonly<Record<string, string>> = {},
  program: readonly [string, ...string[]] = [process.execPath, PROGRAM],
): Promise<SerinGateway> {
  const serin = spawnSerin(t, [...program, 'serve', '-c', file], env)
  let ended: Ended | null = null
  void serin.ended.then((result) => (ended = result))
  const { data, admin } = await until('the gateway listens', () => {
    if (ended !== null) throw new Error(`the gateway ended: ${JSON.stringify(ended)}`)
    return serin.logs().find(({ msg }) => msg === 'listening') ?? null
  })
  return {
    ...serin,
    data: data as string,
    admin: admin as string,
    stop: () => {
      serin.kill('SIGTERM')
      return serin.ended
    },
  }
}

/** Runs one command of the CLI to its end; `admin` is the gateway that it asks. */
export async function runSerin(
  t: Test,
  args: readonly string[],
  admin: string | null = null,
): Promise<Ended> {
  const env = admin === null ? {} : { SERIN_ADMIN: admin }
  return spawnSerin(t, [process.execPath, PROGRAM, ...args], env).ended
}

/** Starts a process; it is killed with the test when it still runs then. */
function spawnSerin(
  t: Test,
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): SerinProcess {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  return {
    pid: child.pid!,
    ended,
    logs: () => parseLines(stdout),
    kill: (signal) => void child.kill(signal),
  }
}

// The last line may be half written.
function parseLines(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
}
