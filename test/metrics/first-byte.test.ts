import t from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import type { EventTally } from '../../src/domain/cohort.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import { SETTLE_MS } from '../../src/domain/outcome.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import type { Ticket } from '../../src/metrics/recorder.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { LATENCY, ManualClock, rolloutSpec, service } from '../fakes/simulated-service.ts'

const FIRST: MetricSpec = { ...LATENCY, name: 'first', until: 'first-byte' }
const TO_FIRST = { until: 'first-byte' } as const
const SLOW_MS = { baselineMs: 100, harmMs: 110, proofMs: 120 }

/** Books of a service with both kinds of latency, in an open cohort whose thresholds are known. */
function build(
  metrics: readonly MetricSpec[] = [LATENCY, FIRST],
  previous: ServiceBook | null = null,
) {
  const clock = new ManualClock(0)
  const spec = rolloutSpec({ analysis: { metrics } })
  const of = service(spec)
  const book = new ServiceBook({ service: of, clock, remember: () => {}, previous })
  const ledger = new CohortLedger(buildHypotheses(spec.analysis), false, 100)
  book.useLedger(ledger, '1.4->2.0#1')
  const thresholds = { latency: SLOW_MS, first: SLOW_MS, 'first@gold': SLOW_MS }
  const terms = { thresholds, bets: {}, caps: {} }
  const place = { rollout: '1.4->2.0#1', step: 0, pi: 0.2, epoch: 0, judged: true, terms }
  const cohort = ledger.open({ ...place, number: 1, now: 0 })
  const begin = (change: Partial<Assignment> = {}): Ticket =>
    book.begin({ ...DRAWN, ...change }, 'r', clock.ms)
  const slow = (id: string) => {
    const { trials, harmEvents, events } = cohort.tallies[id] as EventTally
    return { of: trials[1], harm: harmEvents[1], proof: events[1] }
  }
  return { clock, book, ledger, cohort, begin, slow, canary: book.variants.get('canary')! }
}

const DRAWN: Assignment = {
  ...{ variant: 'canary', reason: 'random', unit: null, suppressed: false },
  ...{ keyMissing: false, overrideRefused: false },
}

/** Moments of a request, in ms from its arrival; null = it did not happen. */
type Life = {
  readonly head?: number
  readonly first?: number
  readonly end: number
  readonly outcome: Outcome
  readonly status?: number
}

function live({ book, begin }: ReturnType<typeof build>, life: Life, of?: Partial<Assignment>) {
  const ticket = begin(of)
  const at = (ms: number) => ticket.startedAt + ms
  if (life.head !== undefined) book.head(ticket, at(life.head))
  if (life.first !== undefined) book.firstByte(ticket, at(life.first))
  book.end(ticket, life.outcome, life.status ?? 200, null, at(life.end))
  return ticket
}

t.test('a long answer that begins soon is slow until its last byte alone', (t) => {
  const world = build()
  live(world, { head: 1, first: 40, end: 5000, outcome: 'ok' })
  t.match(world.slow('latency'), { of: 1, harm: 1, proof: 1 })
  t.match(world.slow('first'), { of: 1, harm: 0, proof: 0 })
  const { canary } = world
  t.ok(Math.abs(canary.drawn.quantile(0.5)! / 5000 - 1) < 0.02)
  for (const times of [canary.drawnOf(TO_FIRST, undefined), canary.step.timesOf(TO_FIRST).all])
    t.ok(Math.abs(times.quantile(0.5)! / 40 - 1) < 0.02, `${times.quantile(0.5)}`)
  t.end()
})

t.test('its time is held against the thresholds of harm and of the proof', (t) => {
  for (const [first, harm, proof] of [
    [110, 0, 0],
    [115, 1, 0],
    [121, 1, 1],
  ] as const) {
    const world = build()
    live(world, { head: 1, first, end: 5000, outcome: 'ok' })
    t.match(world.slow('first'), { of: 1, harm, proof }, `${first}`)
  }
  t.end()
})

t.test('what counts as slow until the first byte, and what it took', (t) => {
  const cases: readonly (readonly [string, Life, isSlow: number, ms: number | null])[] = [
    [
      'an answer without a body has come with its head',
      { head: 30, end: 900, outcome: 'ok' },
      0,
      30,
    ],
    ['an answer of which no head is known', { end: 90, outcome: 'ok' }, 0, 90],
    ['a 4xx is timed', { head: 30, first: 40, end: 50, outcome: 'ok', status: 404 }, 0, 40],
    ['a late one', { head: 30, first: 400, end: 500, outcome: 'ok', status: 404 }, 1, 400],
    [
      'a client that left while its answer came has its time',
      { head: 30, first: 40, end: 9000, outcome: 'client_closed' },
      ...([0, 40] as const),
    ],
    [
      'and may have waited too long',
      { head: 30, first: 400, end: 9000, outcome: 'client_closed' },
      ...([1, 400] as const),
    ],
    ['one that left before', { head: 30, end: 50, outcome: 'client_closed' }, 1, 50],
    ['one that left before a head', { end: 50, outcome: 'client_closed' }, 1, 50],
    [
      'a failure, however soon it began',
      { head: 3, first: 4, end: 50, outcome: 'failed' },
      1,
      null,
    ],
    [
      'a deadline in the middle of an answer',
      { head: 3, first: 4, end: 700, outcome: 'no_answer' },
      ...([1, 700] as const),
    ],
    ['one that the door turned away', { end: 1, outcome: 'rejected' }, 1, null],
  ]
  for (const [name, life, isSlow, ms] of cases) {
    const world = build()
    live(world, life)
    t.match(world.slow('first'), { of: 1, harm: isSlow, proof: isSlow }, name)
    const seen = world.canary.drawnOf(TO_FIRST, undefined).quantile(1)
    if (ms === null) t.equal(seen, null, name)
    else t.ok(Math.abs(seen! / ms - 1) < 0.02, `${name}: ${seen} ms`)
  }
  t.end()
})

t.test('a stream that outlives its cohort is judged by what has come', (t) => {
  const world = build()
  const [begun, silent, mute] = [world.begin(), world.begin(), world.begin()]
  world.book.head(begun, 30)
  world.book.firstByte(begun, 40)
  // Of which the head says nothing.
  world.book.head(silent, 30)
  world.ledger.close(1000)
  t.equal(world.ledger.settleUntil(1000, 1000).length, 0)
  t.equal(world.ledger.settleUntil(1000 + SETTLE_MS, 1000 + SETTLE_MS).length, 1)
  t.match(world.slow('first'), { of: 3, harm: 2, proof: 2 })
  world.book.firstByte(mute, 40_000)
  world.book.end(begun, 'ok', 200, null, 50_000)
  world.book.end(silent, 'ok', 200, null, 50_000)
  world.book.end(mute, 'ok', 200, null, 50_000)
  t.match(world.slow('first'), { of: 3, harm: 2, proof: 2 }, 'what comes later is not booked')
  t.end()
})

t.test('who stops a stream that runs had an answer, and is slow until its last byte alone', (t) => {
  const world = build()
  const leave = (first: number | null, stopped: boolean) => {
    const ticket = world.begin()
    world.book.head(ticket, ticket.startedAt + 3)
    if (first !== null) world.book.firstByte(ticket, ticket.startedAt + first)
    ticket.stopped = stopped
    world.book.end(ticket, 'client_closed', 200, null, ticket.startedAt + 50)
  }
  leave(40, true)
  t.match(world.slow('no-answer'), { of: 1, harm: 0, proof: 0 })
  t.match(world.slow('latency'), { of: 1, harm: 1 })
  t.match(world.slow('first'), { of: 1, harm: 0 })
  leave(40, false)
  t.match(world.slow('no-answer'), { of: 2, harm: 1, proof: 1 })
  t.match(world.slow('first'), { of: 2, harm: 0 })
  t.equal(world.canary.errors, 0)
  t.end()
})

t.test('the first byte counts once, and not after the end', (t) => {
  const world = build()
  const ticket = live(world, { head: 3, first: 40, end: 50, outcome: 'ok' })
  world.book.firstByte(ticket, 999)
  t.equal(ticket.firstByteAt, ticket.startedAt + 40)
  t.end()
})

t.test('in an experiment each comparison knows it', (t) => {
  const world = build()
  const { hypotheses, terms } = {
    hypotheses: rolloutSpec({ analysis: { metrics: [FIRST] } }),
    terms: world.cohort.terms,
  }
  const apart = new CohortLedger(buildHypotheses(hypotheses.analysis), false, 100)
  const place = { rollout: 'x', step: 0, pi: 0.5, epoch: 0, judged: true, terms }
  const cohort = apart.open({ ...place, number: 1, now: 0 })
  world.book.useLedger(null, 'x')
  world.book.compare('canary', apart, 'x')
  live(world, { head: 3, first: 40, end: 900, outcome: 'ok' })
  live(world, { head: 30, end: 900, outcome: 'ok' })
  live(world, { head: 30, first: 400, end: 900, outcome: 'client_closed' })
  t.match(cohort.tallies['first'], { trials: [0, 3], harmEvents: [0, 1] })
  t.end()
})

t.test('segments are kept apart where they are compared apart', (t) => {
  const world = build([{ ...FIRST, segments: ['gold'] }, LATENCY])
  for (const segment of ['gold', 'lead'])
    live(
      world,
      { head: 3, first: segment === 'gold' ? 400 : 40, end: 900, outcome: 'ok' },
      { segment },
    )
  t.match(world.slow('first@gold'), { of: 1, harm: 1 })
  t.match(world.slow('first'), { of: 2, harm: 1 })
  const { canary } = world
  const counts = (until: object) =>
    [undefined, 'gold', 'lead'].map((segment) => canary.drawnOf(until, segment).count)
  t.same(counts(TO_FIRST), [2, 1, 0])
  t.same(counts({}), [2, 0, 0], 'of the other latency no segment is asked')
  t.end()
})

t.test('a service that does not ask keeps nothing of it', (t) => {
  const world = build([LATENCY])
  t.equal(world.book.timesFirstBytes, false)
  const ticket = live(world, { head: 3, end: 50, outcome: 'ok' })
  t.equal(ticket.firstByteAt, null)
  t.equal(world.canary.drawnOf(TO_FIRST, undefined).count, 0)
  t.equal(world.canary.step.timesOf(TO_FIRST).all.count, 0)
  t.equal(build().book.timesFirstBytes, true)
  t.end()
})

t.test('a reload goes on with it, begins it, or ends it', (t) => {
  const first = build()
  live(first, { head: 3, first: 40, end: 50, outcome: 'ok' })
  const count = ({ canary }: ReturnType<typeof build>) => [
    canary.drawnOf(TO_FIRST, undefined).count,
    canary.step.timesOf(TO_FIRST).all.count,
  ]
  t.same(count(build([FIRST], first.book)), [1, 1])
  const without = build([LATENCY], first.book)
  t.same(count(without), [0, 0])
  const again = build([FIRST], without.book)
  live(again, { head: 3, first: 40, end: 50, outcome: 'ok' })
  t.same(count(again), [1, 1])
  t.end()
})

t.test('an attempt begins without those of the canary, and a step with none', (t) => {
  const world = build()
  const { book, canary } = world
  const both = [{}, { variant: 'baseline' }]
  for (const of of both) live(world, { head: 3, first: 40, end: 50, outcome: 'ok' }, of)
  book.beginStep()
  t.equal(canary.step.timesOf(TO_FIRST).all.count, 0)
  live(world, { head: 3, first: 40, end: 50, outcome: 'ok' })
  t.equal(canary.step.timesOf(TO_FIRST).all.count, 1, 'a new step keeps them')
  book.beginAttempt()
  const counts = () =>
    ['baseline', 'canary'].map((v) => book.variants.get(v)!.drawnOf(TO_FIRST, undefined).count)
  t.same(counts(), [1, 0])
  world.clock.ms += 600_000
  book.fade()
  t.same(counts(), [0.5, 0], 'half of their weight is gone after ten minutes')
  t.end()
})
