/**
 * How many lines of feedback one core takes: each is read, joined to its request, booked into its cohort and
 * stored. Everything is the product's own, with a real store; the requests before are booked, not sent. Lines come
 * by the thousand, or alone: then each is a post of its own to the admin API, from a process beside.
 * `npm run bench:feedback [-- --requests 10000 --rounds 7 --json FILE]`
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { parseConfig } from '../src/config/load.ts'
import type { Assignment } from '../src/domain/assignment.ts'
import type { FeedbackResult } from '../src/domain/prediction.ts'
import { Evaluator } from '../src/evaluator/evaluator.ts'
import { createFeedbackJoin } from '../src/feedback/join.ts'
import { parseFeedback } from '../src/feedback/parse.ts'
import { ServiceBook } from '../src/metrics/service-recorder.ts'
import { buildPlan } from '../src/rollout/plan.ts'
import { toByteString } from '../src/routing/byte-string.ts'
import { unitHash } from '../src/routing/rendezvous.ts'
import { openLmdbStore } from '../src/store/lmdb-store.ts'
import { createPredictionBuffer } from '../src/store/prediction-buffer.ts'
import { describeMachine } from './describe-machine.ts'
import { createSingleLabels } from './single-labels.ts'
import { spread } from './spread.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'string' },
  },
})
const root = process.cwd()
const requests = Number(values.requests)
const rounds = Number(values.rounds)
/** Lines of one post. */
const POST = 1000
const TICK_MS = 2000
/** More than warm-up and label window, so that a cohort is folded. */
const LONG_MS = 3_600_000
/** Rounds that teach bets and caps, and bring the code into its usual state. */
const WARM_UP_ROUNDS = 2

/** Share of the requests whose lines are posted alone: each waits for the disk. */
const ALONE = 0.1

const labelOf = (n: number) => [`{"requestId":"r-${n}","label":${n % 90}}`]

/**
 * What is posted about a request, by the example that has the metrics for it. `connections`: lines come alone, over so
 * many.
 */
const WORKS: Readonly<Record<string, Work>> = {
  labels: { example: 'canary-rmse', lines: labelOf },
  labelsAlone: { example: 'canary-rmse', lines: labelOf, connections: 1 },
  labelsAloneOf16: { example: 'canary-rmse', lines: labelOf, connections: 16 },
  eventsByRequest: { example: 'business-events', lines: eventsOf('requestId', 'r') },
  eventsByKey: { example: 'business-events', lines: eventsOf('key', 'k') },
}

type Work = {
  readonly example: string
  readonly lines: (n: number) => readonly string[]
  readonly connections?: number
}

const figures: Record<
  string,
  { linesPerCpuSecond: object; linesPerSecond: object; holdMs: object }
> = {}
for (const [name, work] of Object.entries(WORKS)) figures[name] = await measure(name, work)
if (values.json !== undefined) {
  const report = { at: new Date().toISOString(), machine: describeMachine(root), requests, figures }
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
}

/** Every user sees two things and clicks one; one in ten buys. */
function eventsOf(field: 'requestId' | 'key', prefix: string) {
  return (n: number): string[] => {
    const whom = `{"${field}":"${prefix}-${n}","event"`
    const lines = [1, 2].map((id) => `${whom}:"impression","id":"${id}"}`)
    lines.push(`${whom}:"click","id":"1"}`)
    if (n % 10 === 0) lines.push(`${whom}:"purchase","id":"o","values":{"amount":${1 + (n % 90)}}}`)
    return lines
  }
}

async function measure(name: string, { example, lines, connections }: Work) {
  const folder = mkdtempSync(join(tmpdir(), 'serin-feedback-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = `config/examples/${example}.yaml`
  const loaded = parseConfig(readFileSync(join(root, file), 'utf8'), { file, env: {} })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  const service = loaded.config.services[0]!
  const plan = buildPlan(service, 'hash')!
  const time = { ms: Date.UTC(2027, 0, 1) }
  const clock = { now: () => time.ms, monotonic: () => time.ms }
  const fail = (what: string) => (error: unknown) => {
    throw new Error(what, { cause: error })
  }
  const store = await openLmdbStore({
    ...{ path: join(folder, 'data'), maxBytes: 2 ** 31, maxPending: 2e6, retentionMs: 1e9 },
    log: { info: () => {}, warn: () => {} },
  })
  const buffer = createPredictionBuffer({ store, onError: fail('predictions') })
  const evaluator = new Evaluator({
    ...{ store, clock, holder: 'bench', apply: () => {}, onDecision: () => {} },
    reachability: () => ({ ready: true, downForMs: 0 }),
    fetchProvider: () => Promise.reject(new Error('no provider')),
    confirm: () => 'given',
    applyWinner: () => {},
    onError: (what, error) => fail(what)(error),
  })
  const book = new ServiceBook({ service, clock, remember: buffer.add, previous: null })
  await evaluator.add({ plan, book })
  const results: Partial<Record<FeedbackResult, number>> = {}
  const feedback = createFeedbackJoin({
    ...{ buffer, store, clock, services: () => [service.name] },
    eventFields: () => plan.eventFields,
    bookLabel: (prediction, label) => evaluator.label(prediction, label),
    showLabel: (prediction, label) => book.labelled(prediction, label).length === 0,
    bookEvent: evaluator.event,
    later: () => {},
    count: (_, result, count) => (results[result] = (results[result] ?? 0) + count),
    countRefused: () => {},
  })
  const alone = await createSingleLabels(async (body, type) =>
    feedback.accept(parseFeedback(body, type)),
  )
  const inRound = connections === undefined ? requests : requests * ALONE
  const inPost = connections === undefined ? POST : 1
  const pass = async (ms: number) => {
    time.ms += ms
    await evaluator.look()
  }
  const perCpuSecond: number[] = []
  const perSecond: number[] = []
  const holds: number[] = []
  let next = 0
  for (let at = 0; at < 20; at += 1) await pass(TICK_MS)
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    const posts: string[][] = [[]]
    for (const last = next + inRound; next < last; next += 1) {
      request(next)
      for (const line of lines(next)) {
        if (posts.at(-1)!.length === inPost) posts.push([])
        posts.at(-1)!.push(line)
      }
      if (next % 1000 === 0) await buffer.flush()
    }
    await buffer.flush()
    await pass(TICK_MS)
    const { cpuSeconds, seconds, longestHoldMs } = await post(posts.map((each) => each.join('\n')))
    await pass(LONG_MS)
    if (round < 0) continue
    const count = posts.flat().length
    perCpuSecond.push(count / cpuSeconds)
    perSecond.push(count / seconds)
    holds.push(longestHoldMs)
  }
  const others = Object.entries(results).filter(([result]) => result !== 'joined')
  if (others.length > 0) throw new Error(`${name}: not all were joined: ${JSON.stringify(results)}`)
  await alone.close()
  await evaluator.stop()
  await buffer.close()
  await store.close()
  const cpu = spread(perCpuSecond)
  const wall = spread(perSecond)
  const hold = spread(holds)
  const round = (x: number) => Math.round(x).toLocaleString('en')
  const each = connections === undefined ? '' : `, ${(1e6 / cpu.median).toFixed(0)} µs of CPU each`
  console.log(
    `${name}: ${round(cpu.median)} lines per second of CPU (${round(cpu.min)}–${round(cpu.max)})${each}, ` +
      `${round(wall.median)} per second (${round(wall.min)}–${round(wall.max)}), ` +
      `the event loop held for ${hold.median.toFixed(1)} ms at most (${hold.min.toFixed(1)}–${hold.max.toFixed(1)})`,
  )
  return { linesPerCpuSecond: cpu, linesPerSecond: wall, holdMs: hold }

  /** One request in the books, of a user of its own. */
  function request(n: number): void {
    const assignment: Assignment = {
      variant: n % 20 === 0 ? 'canary' : 'baseline',
      reason: 'key',
      unit: plan.keyed ? unitHash(toByteString(`k-${n}`)) : null,
      ...{ suppressed: false, keyMissing: false, overrideRefused: false },
    }
    const ticket = book.begin(assignment, `r-${n}`)
    book.head(ticket, time.ms + 3)
    book.end(ticket, 'ok', 200, 3, time.ms + 4)
    book.predicted(
      ticket,
      (n * 7) % 90,
      Object.fromEntries(service.observe.numbers.map((p) => [p, 10])),
    )
  }

  async function acceptAll(bodies: readonly string[]): Promise<number> {
    const from = performance.now()
    for (const body of bodies) await feedback.accept(parseFeedback(body, 'application/x-ndjson'))
    return (performance.now() - from) / 1000
  }

  /** Posts one after the other, as one client does, or alone over several connections. */
  async function post(bodies: readonly string[]) {
    // A timer, since a loop that never rests would be counted as work while the disk is waited for.
    const delays = monitorEventLoopDelay({ resolution: 1 })
    delays.enable()
    const before = process.cpuUsage()
    const seconds =
      connections === undefined ? await acceptAll(bodies) : await alone.post(bodies, connections)
    const { user, system } = process.cpuUsage(before)
    delays.disable()
    return { cpuSeconds: (user + system) / 1e6, seconds, longestHoldMs: delays.max / 1e6 }
  }
}
