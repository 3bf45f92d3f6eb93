import t from 'tap'
import type { Decision } from '../../src/domain/decision.ts'
import { Evaluator, LOOK_MS } from '../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { quickService } from '../fakes/quick-rollout.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { ERRORS, ManualClock, weightSteps } from '../fakes/simulated-service.ts'
import { nobodyAnswers } from '../fakes/simulation.ts'

const SERVICES = 400

/** The breaker alone rolls back. */
const METRIC = { ...ERRORS, onFailure: 'warn' as const }

/** One process that judges all of them, at the same step of long rollouts. */
async function processOn(store: MemoryStore, clock: ManualClock, holder: string) {
  const turns = new Map<string, number>()
  const told: Decision[] = []
  const errors: unknown[] = []
  const evaluator = new Evaluator({
    ...{ store, clock, holder, fetchProvider: nobodyAnswers },
    reachability: () => ({ ready: true, downForMs: 0 }),
    confirm: () => 'not-asked',
    apply: () => {},
    applyWinner: () => {},
    onDecision: (decision) => told.push(decision),
    onTurn: ({ service }) => turns.set(service, (turns.get(service) ?? 0) + 1),
    onError: (_what, error) => errors.push(error),
  })
  const spec = { steps: weightSteps([50, 100], 1_000_000) }
  const plain = quickService({ spec, analysis: { metrics: [METRIC], intervalMs: 2000 } })
  const books: ServiceBook[] = []
  for (let n = 0; n < SERVICES; n += 1) {
    const service = { ...plain, name: `service-${n}` }
    const book = new ServiceBook({ service, clock, remember: () => {}, previous: null })
    await evaluator.add({ plan: buildPlan(service, 'hash')!, book })
    books.push(book)
  }
  return { evaluator, books, turns, told, errors }
}

type Process = Awaited<ReturnType<typeof processOn>>

function request(book: ServiceBook, variant: string, outcome: 'ok' | 'failed'): void {
  const drawn = { variant, reason: 'random', unit: null, suppressed: false } as const
  const ticket = book.begin({ ...drawn, keyMissing: false, overrideRefused: false }, 'r')
  book.end(ticket, outcome, outcome === 'ok' ? 200 : 500, 5)
}

/** Each look of so many ms: four requests a second to each service of the first process, forty to its first one. */
async function run(clock: ManualClock, all: readonly Process[], ms: number, look = () => {}) {
  for (const end = clock.ms + ms; clock.ms < end;) {
    clock.ms += LOOK_MS
    for (const [n, book] of all[0]!.books.entries()) {
      for (let i = 0; i < (n === 0 ? 10 : 1); i += 1) {
        request(book, (clock.ms / LOOK_MS + i) % 2 === 0 ? 'baseline' : 'canary', 'ok')
      }
    }
    look()
    for (const { evaluator } of all) await evaluator.look()
  }
}

t.test('of many services those with few requests turn less often', async (t) => {
  const [clock, store] = [new ManualClock(), new MemoryStore()]
  const one = await processOn(store, clock, 'one')
  await run(clock, [one], 10_000)
  one.turns.clear()
  await run(clock, [one], 40_000)
  t.equal(one.turns.get('service-0'), 20, 'once an interval, with its requests')
  one.turns.delete('service-0')
  t.equal(one.turns.size, SERVICES - 1)
  t.same(new Set(one.turns.values()), new Set([10]), 'once in twice their interval')
  await one.evaluator.stop()
  for (const [service, begun] of [
    ['service-0', 2000],
    ['service-7', 200],
  ] as const) {
    const { evidence } = (await store.readRollout(service))!
    const drawn = evidence!.ratio.starts[0]!.reduce((sum, { total }) => sum + total, 0)
    // What came in the warm-up is none of it.
    t.ok(drawn >= begun * 0.95 && drawn <= begun, `${drawn} of ${begun} are evidence`)
  }
  t.same(one.errors, [])
})

t.test('a canary that fails has nothing from the look on that sees it', async (t) => {
  const [clock, store] = [new ManualClock(), new MemoryStore()]
  const one = await processOn(store, clock, 'one')
  await run(clock, [one], 40_000)
  const seenAt = new Map<string, number>()
  const begunAt = clock.ms
  await run(clock, [one], 15_000, () => {
    for (const [n, { service, variants }] of one.books.slice(1, 9).entries()) {
      // They begin to fail at moments of their own.
      if (seenAt.has(service.name) || clock.ms - begunAt < n * LOOK_MS) continue
      request(one.books[n + 1]!, 'canary', 'failed')
      const of = variants.get('canary')!.attempts.covering(clock.ms, 50, 10_000)
      if (of.attempts >= 50 && of.failures >= of.attempts / 2) seenAt.set(service.name, clock.ms)
    }
  })
  t.equal(seenAt.size, 8)
  const rolledBack = one.told.filter(({ action }) => action === 'rollback')
  t.same(new Map(rolledBack.map(({ service, at }) => [service, at])), seenAt)
  t.ok(rolledBack.every(({ reason }) => reason === 'breaker'))
  t.same(one.errors, [])
})

t.test('beside another process each turns at each interval', async (t) => {
  const [clock, store] = [new ManualClock(), new MemoryStore()]
  const one = await processOn(store, clock, 'one')
  const other = await processOn(store, clock, 'other')
  await run(clock, [one, other], 10_000)
  t.equal(one.evaluator.replicas?.others, 1)
  one.turns.clear()
  await run(clock, [one, other], 10_000)
  t.same(new Set(one.turns.values()), new Set([5]))
  t.same([...one.errors, ...other.errors], [])
})
