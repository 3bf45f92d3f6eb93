/**
 * What replicas ask of one Redis: `npm run bench:store [-- --seconds 8 --json FILE]`. Evaluators, books and stores
 * are the product's own, many of them in this one process, each with connections of its own; the figures are
 * Redis' counters. It starts the Redis, which keeps an append-only file with `everysec`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { parseConfig } from '../src/config/load.ts'
import { Evaluator } from '../src/evaluator/evaluator.ts'
import { ServiceBook } from '../src/metrics/service-recorder.ts'
import { buildPlan } from '../src/rollout/plan.ts'
import { openRedisStore } from '../src/store/redis-store.ts'
import { describeMachine } from './describe-machine.ts'
import { freePort } from './free-port.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, json: { type: 'string' } },
})
const WINDOW_MS = 1000 * Number(values.seconds)
/** All have heard of each other, and cohorts are folded. */
const SETTLE_MS = 8000
const LAST_KEY = 2 ** 31

/** Never enough requests: the rollout goes on for ever. */
const CONFIG = `
version: 1
gateway: { listen: 127.0.0.1:0 }
services:
  model:
    match: { path: /m/* }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:1"] }
      canary: { version: "2", upstreams: ["http://127.0.0.1:2"] }
    split: { key: header:x-user-id }
    rollout: { steps: [{ weight: 5%, minRequests: 1000000000 }, { weight: 100% }] }
    analysis: { warmUp: 0, metrics: { errors: { kind: error-rate, maxIncrease: 0% } } }
`

/** `perSecond`: requests of all replicas together to each service, half of them with a key that is new. */
const CASES = [
  { replicas: 1, services: 1, perSecond: 0 },
  { replicas: 2, services: 1, perSecond: 0 },
  { replicas: 10, services: 1, perSecond: 0 },
  { replicas: 10, services: 10, perSecond: 0 },
  { replicas: 10, services: 1, perSecond: 200 },
  { replicas: 100, services: 1, perSecond: 0 },
  { replicas: 100, services: 10, perSecond: 0 },
  { replicas: 100, services: 1, perSecond: 200 },
] as const
type Case = (typeof CASES)[number]

type Counters = Readonly<Record<'commands' | 'scripts' | 'bytesIn' | 'bytesOut' | 'cpu', number>>

const folder = mkdtempSync(join(tmpdir(), 'serin-store-'))
const port = await freePort()
const append = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec']
const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
const server = spawn('redis-server', [...place, ...append], { stdio: 'ignore' })
process.once('exit', () => {
  server.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 100 })
// It is not up yet: it tries again.
client.on('error', () => {})

const figures: object[] = []
for (const each of CASES) {
  const found = await measure(each)
  figures.push({ ...each, ...found })
  console.log(JSON.stringify(figures.at(-1)))
}
client.disconnect()
if (values.json !== undefined) {
  const machine = describeMachine(process.cwd())
  const redis = 'Redis on the same machine, appendfsync everysec'
  const report = { at: new Date().toISOString(), machine, redis, windowMs: WINDOW_MS, figures }
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
}
server.kill('SIGTERM')

/** Starts the replicas, lets them settle, and reads the counters at both ends of a window. */
async function measure({ replicas, services, perSecond }: Case) {
  await client.flushall()
  const all: Awaited<ReturnType<typeof startReplica>>[] = []
  for (let n = 0; n < replicas; n += 1) all.push(await startReplica(n, services))
  let sent = 0
  const begunAt = performance.now()
  const traffic = setInterval(() => {
    const due = ((performance.now() - begunAt) / 1000) * perSecond * services
    for (; sent < due; sent += 1) request(all[sent % replicas]!.books[sent % services]!, sent)
  }, 10)
  await sleep(SETTLE_MS + 20 * replicas)
  const [asked, before, from] = [await readCounters(), await readCounters(), performance.now()]
  await sleep(WINDOW_MS)
  const [after, seconds] = [await readCounters(), (performance.now() - from) / 1000]
  clearInterval(traffic)
  const known = all.find(({ evaluator }) => evaluator.leads)?.evaluator.replicas?.others
  await Promise.all(all.map(({ stop }) => stop()))
  // What it costs to ask is not the replicas'.
  const rate = (name: keyof Counters) =>
    Math.max(0, after[name] - before[name] - (before[name] - asked[name])) / seconds
  return {
    known: known === undefined ? null : known + 1,
    scriptsPerSecond: Math.round(rate('scripts')),
    commandsPerSecond: Math.round(rate('commands')),
    bytesInPerSecond: Math.round(rate('bytesIn')),
    bytesOutPerSecond: Math.round(rate('bytesOut')),
    redisCpuPercent: Math.round(1000 * rate('cpu')) / 10,
  }
}

/** Redis' own: commands count those inside of scripts. */
async function readCounters(): Promise<Counters> {
  const info = await client.info('everything')
  const read = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
  return {
    commands: read('total_commands_processed'),
    scripts: Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(info)?.[1] ?? 0),
    bytesIn: read('total_net_input_bytes'),
    bytesOut: read('total_net_output_bytes'),
    cpu: read('used_cpu_sys') + read('used_cpu_user'),
  }
}

async function startReplica(n: number, services: number) {
  const loaded = parseConfig(CONFIG, { file: 'serin.yaml', env: {} })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  const example = loaded.config.services[0]!
  const clock = { now: () => Date.now(), monotonic: () => performance.now() }
  const server = { host: '127.0.0.1', port }
  const place = { tls: false, servers: [server], sentinel: null, db: 0, prefix: 'serin' }
  const store = await openRedisStore({
    address: { ...place, username: null, password: null, ca: null },
    ...{ maxBytes: 2 ** 31, maxPending: 2e6, retentionMs: 1e9 },
    log: { info: () => {}, warn: () => {} },
  })
  const evaluator = new Evaluator({
    ...{ store, clock, holder: `replica-${n}`, apply: () => {}, onDecision: () => {} },
    reachability: () => ({ ready: true, downForMs: 0 }),
    fetchProvider: () => Promise.reject(new Error('no provider')),
    confirm: () => 'given',
    applyWinner: () => {},
    onError: () => {},
  })
  const books: ServiceBook[] = []
  for (let s = 0; s < services; s += 1) {
    const service = { ...example, name: `service-${s}` }
    const book = new ServiceBook({ service, clock, remember: () => {}, previous: null })
    await evaluator.add({ plan: buildPlan(service, 'hash')!, book })
    books.push(book)
  }
  evaluator.start()
  const stop = async () => {
    await evaluator.stop()
    await store.close()
  }
  return { evaluator, books, stop }
}

function request(book: ServiceBook, n: number): void {
  const none = { suppressed: false, keyMissing: false, overrideRefused: false }
  const unit = (Math.floor(n / 2) * 0x9e37_79b1) % LAST_KEY
  const variant = unit % 20 === 0 ? 'canary' : 'baseline'
  const ticket = book.begin({ variant, reason: 'key', unit, ...none }, `r-${n}`)
  book.end(ticket, 'ok', 200, 5)
}
