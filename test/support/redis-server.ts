import type { Test } from 'tap'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { RedisAddress } from '../../src/store/redis-address.ts'
import { freePort } from './free-port.ts'

/** A Redis that a test started, and stops. */
export type RedisServer = {
  readonly port: number
  /** Of its default user, in database 0, with a prefix of its own. */
  readonly address: (change?: Partial<RedisAddress>) => RedisAddress
  readonly signal: (signal: NodeJS.Signals) => void
  /** Ends it at once, as a crash would. */
  readonly kill: () => Promise<void>
  /** Starts it again on the same port, with what it wrote to disk. */
  readonly start: () => Promise<void>
}

let prefixes = 0

/**
 * Starts `redis-server` on a free port of loopback, with its files in `folder`, and waits until it takes
 * connections. `settings` stand on its command line. With the path of a configuration it is a sentinel.
 */
export async function startRedis(
  t: Test,
  folder: string,
  settings: readonly string[] = [],
  sentinel: string | null = null,
): Promise<RedisServer> {
  const port = await freePort()
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
  const args =
    sentinel === null ? [...place, ...DURABLE, ...settings] : [sentinel, ...place, '--sentinel']
  let running = await launch(args)
  t.teardown(() => running.kill())
  return {
    port,
    address: (change = {}) => ({
      tls: false,
      servers: [{ host: '127.0.0.1', port }],
      sentinel: null,
      db: 0,
      username: null,
      password: null,
      prefix: `test-${(prefixes += 1)}`,
      ca: null,
      ...change,
    }),
    signal: (signal) => running.signal(signal),
    kill: () => running.kill(),
    start: async () => {
      running = await launch(args)
    },
  }
}

type Running = {
  readonly signal: (signal: NodeJS.Signals) => void
  readonly kill: () => Promise<void>
}

/** What is acknowledged survives a crash. */
const DURABLE = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'] as const

async function launch(args: readonly string[]): Promise<Running> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const lines = createInterface({ input: child.stdout })
  let log = ''
  // Not the suite's own: one that outlives a suite would hold up whoever reads what that says.
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      log += `${line}\n`
      if (line.includes('Ready to accept connections') || line.includes('Sentinel ID')) resolve()
    })
    void ended.then(() => reject(new Error(`redis-server ended:\n${log}`)))
  })
  return {
    signal: (signal) => void child.kill(signal),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
