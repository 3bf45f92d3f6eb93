/**
 * What judging costs: CPU of a tick over many services, the longest time that it holds the event loop,
 * and what recording adds to a request. Everything is the product's own, with a real store; requests are
 * booked, not sent. A tick is all that is looked at in one `interval` of the services, while each of them has requests.
 * `npm run bench:judging [-- --services 1000 --requests 10 --ticks 40 --json FILE]`
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseConfig } from '../src/config/load.ts'
import type { Assignment } from '../src/domain/assignment.ts'
import type { Service } from '../src/domain/service.ts'
import { Evaluator, LOOK_MS } from '../src/evaluator/evaluator.ts'
import { keepGarbageYoung } from '../src/keep-garbage-young.ts'
import { keepTicksFast } from '../src/keep-ticks-fast.ts'
import { letHelpersYield } from '../src/let-helpers-yield.ts'
import { ServiceBook } from '../src/metrics/service-recorder.ts'
import { buildPlan } from '../src/rollout/plan.ts'
import { openLmdbStore } from '../src/store/lmdb-store.ts'
import { describeMachine } from './describe-machine.ts'
import { multiplyServices } from './multiply-services.ts'
import { spread } from './spread.ts'

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '1000' },
    /** That each of them has in a tick. */
    requests: { type: 'string', default: '10' },
    ticks: { type: 'string', default: '40' },
    json: { type: 'string' },
  },
})
// As the product begins.
keepGarbageYoung()
keepTicksFast()
letHelpersYield()

const root = process.cwd()
const TICK_MS = 2000
const LOOKS = TICK_MS / LOOK_MS
const REQUESTS = Number(values.requests)
/** Ticks that bring the first cohorts and code into their usual state. */
const WARM_UP_TICKS = 10

const clock = { ms: Date.UTC(2027, 0, 1) }
const now = { now: () => clock.ms, monotonic: () => performance.now() }
const folder = mkdtempSync(join(tmpdir(), 'serin-judging-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const file = readFileSync(join(root, 'bench/contenders/serin.yaml'), 'utf8')
const env = { BENCH_PORT: '1', BENCH_UPSTREAM_PORT: '2', BENCH_STORE: folder }
const loaded = parseConfig(multiplyServices(file, Number(values.services)), {
  file: 'serin.yaml',
  env,
})
if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
const { services } = loaded.config

const store = await openLmdbStore({
  ...{ path: join(folder, 'data'), maxBytes: 2 ** 31, maxPending: 1e6, retentionMs: 1e9 },
  log: { info: () => {}, warn: () => {} },
})
const evaluator = new Evaluator({
  store,
  clock: now,
  holder: 'bench',
  reachability: () => ({ ready: true, downForMs: 0 }),
  confirm: () => 'given',
  apply: () => {},
  applyWinner: () => {},
  onDecision: () => {},
  // No service of it asks a provider.
  fetchProvider: () => Promise.reject(new Error('no provider')),
  onError: (what, error) => {
    throw new Error(what, { cause: error })
  },
})
const books: ServiceBook[] = []
for (const service of services) books.push(await take(service))

const ticks: number[] = []
const quietLooks: number[] = []
const holds: number[] = []
for (let tick = -WARM_UP_TICKS; tick < Number(values.ticks); tick += 1) {
  // Who watches for holds is always busy, and would be counted as what the tick costs.
  const isWatched = tick % 2 !== 0
  const found: number[] = []
  for (let look = 0; look < LOOKS; look += 1) {
    const upTo = Math.round((REQUESTS * (look + 1)) / LOOKS)
    for (let n = Math.round((REQUESTS * look) / LOOKS); n < upTo; n += 1) books.forEach(request)
    clock.ms += LOOK_MS
    found.push(isWatched ? await measureHold() : await measureCpu())
  }
  if (tick < 0) continue
  if (isWatched) holds.push(Math.max(...found))
  else ticks.push(found.reduce((sum, each) => sum + each, 0))
  // The same moment once more: nothing has come since.
  quietLooks.push(await measureCpu())
}
const recording = measureRecording(books[0]!)
await evaluator.stop()
await store.close()

const report = {
  at: new Date().toISOString(),
  machine: describeMachine(root),
  services: services.length,
  requestsPerTick: services.length * REQUESTS,
  tickCpuMs: spread(ticks),
  quietLookCpuMs: spread(quietLooks),
  longestHoldMs: spread(holds),
  recordingMicros: spread(recording),
}
for (const [name, unit] of [
  ['tickCpuMs', 'ms of CPU for a tick, all looks of 2 s while every service has requests'],
  ['quietLookCpuMs', 'ms of CPU for a look that finds nothing new'],
  ['longestHoldMs', 'ms: the longest that a tick held the event loop'],
  ['recordingMicros', 'µs for recording one request'],
] as const) {
  const { median, min, max } = report[name]
  console.log(`${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}) ${unit}`)
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)

/** Takes a service up, with its rollout. */
async function take(service: Service): Promise<ServiceBook> {
  const book = new ServiceBook({ service, clock: now, remember: () => {}, previous: null })
  await evaluator.add({ plan: buildPlan(service, 'hash')!, book })
  return book
}

/** One request in the books: half of them the canary's, one in fifty fails. */
function request(book: ServiceBook): void {
  const assignment: Assignment = {
    variant: Math.random() < 0.5 ? 'baseline' : 'canary',
    reason: 'key',
    unit: Math.floor(Math.random() * 2 ** 52),
    suppressed: false,
    keyMissing: false,
    overrideRefused: false,
  }
  const ticket = book.begin(assignment, 'id', clock.ms, false)
  book.head(ticket, clock.ms + 3)
  const failed = Math.random() < 0.02
  book.end(ticket, failed ? 'failed' : 'ok', failed ? 500 : 200, 3, clock.ms + 4 * Math.random())
  book.attempt(ticket, assignment.variant, 'http://127.0.0.1:2', failed ? 'failed' : 'ok')
}

/** CPU of one look at all rollouts, in milliseconds; of all threads. */
async function measureCpu(): Promise<number> {
  const before = process.cpuUsage()
  await evaluator.look()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The longest time of a look in which nothing else got its turn, in milliseconds. */
async function measureHold(): Promise<number> {
  let longestHoldMs = 0
  let last = performance.now()
  let isOver = false
  const watch = () => {
    const at = performance.now()
    longestHoldMs = Math.max(longestHoldMs, at - last)
    last = at
    if (!isOver) setImmediate(watch)
  }
  setImmediate(watch)
  await evaluator.look()
  isOver = true
  return longestHoldMs
}

/** Microseconds per request, several times. */
function measureRecording(book: ServiceBook): readonly number[] {
  const requests = 20_000
  return Array.from({ length: 15 }, () => {
    const from = performance.now()
    for (let n = 0; n < requests; n += 1) request(book)
    return ((performance.now() - from) * 1000) / requests
  }).slice(5)
}
