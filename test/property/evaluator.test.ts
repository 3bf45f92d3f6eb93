import { fc } from '../support/fast-check.ts'
import t from 'tap'
import type { Cohort } from '../../src/domain/cohort.ts'
import type { BetEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import { CohortCycle } from '../../src/evaluator/cohort-cycle.ts'
import type { FeedbackBooking } from '../../src/metrics/feedback-booking.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import type { UnitBatch } from '../../src/store/store.ts'
import { state } from '../fakes/rollout.ts'
import {
  CLICKS,
  CONVERSION,
  DRIFT,
  ERRORS,
  LATENCY,
  ManualClock,
  REVENUE,
  RMSE,
  rolloutSpec,
  service,
} from '../fakes/simulated-service.ts'

const request = fc.record({
  canary: fc.boolean(),
  unit: fc.option(fc.integer({ min: 0, max: 8 })),
  outcome: fc.constantFrom<Outcome>('ok', 'failed', 'client_closed', 'rejected', 'no_answer'),
  latencyMs: fc.constantFrom(5, 50),
  error: fc.option(fc.integer({ min: 0, max: 40 })),
  /** Of its unit, after as many looks each. */
  events: fc.array(
    fc.record({
      name: fc.constantFrom('view', 'click', 'purchase'),
      looks: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 4 },
  ),
})
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never

const intervalOf = (most: number) =>
  fc.record({
    requests: fc.array(request, { maxLength: most, size: 'max' }),
    judged: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    step: fc.integer({ min: 0, max: 2 }),
  })

const interval = intervalOf(12)
/** Of so many requests that means and ratios are bet on before long. */
const busy = intervalOf(24)
type Interval = typeof interval extends fc.Arbitrary<infer T> ? T : never

/** Of each engine, with all that a cohort is judged by: thresholds, bets, caps, the lift of a ratio, bins. */
const METRICS = [ERRORS, LATENCY, RMSE, CONVERSION, REVENUE, CLICKS, DRIFT]

/** A unit that events come for. */
type Visit = {
  readonly prediction: Prediction
  readonly due: { readonly name: string; looks: number }[]
  totals: readonly number[]
}

/** A cycle on a clock of its own, with a store that holds what the cycle says. */
class World {
  readonly clock = new ManualClock()
  readonly #of
  readonly #plan
  readonly #book
  readonly #predictions: { readonly prediction: Prediction; readonly error: number }[] = []
  readonly #visits: Visit[] = []
  readonly #cohorts = new Map<number, Cohort>()
  readonly #units: UnitBatch[] = []
  #evidence: Evidence | null = null
  #cycle: CohortCycle
  #state = state()

  constructor(keyed: boolean) {
    this.#of = service(rolloutSpec({ analysis: { metrics: METRICS } }), keyed)
    this.#plan = buildPlan(this.#of, 'hash')!
    this.#book = new ServiceBook({
      service: this.#of,
      clock: this.clock,
      remember: (prediction) => this.#pending.push(prediction),
      previous: null,
    })
    this.#cycle = new CohortCycle(this.#plan, this.#state, this.#book, this.clock.ms, null)
  }

  readonly #pending: Prediction[] = []

  get evidence(): Evidence {
    return this.#cycle.evidence
  }

  /** One interval: a cohort opens, takes these requests, and closes; labels of earlier ones come. */
  run({ requests, judged, step }: Interval, keyed: boolean): void {
    const weightBp = [500, 2000, 5000][step]!
    this.#state = state({ phase: 'progressing' }, { step, weightBp })
    this.#cycle.turn(this.#state, this.clock.ms, judged)
    for (const each of requests) this.#request(each, keyed)
    this.clock.ms += 1000
    this.#cycle.turn({ ...this.#state, weightBp: 0 }, this.clock.ms, judged)
    this.#labels()
    this.#events()
    this.#cycle.fold(this.#state, this.clock.ms, this.clock.ms)
    this.#store()
  }

  /** The process dies, and another one goes on from the store. */
  restart(): void {
    const record = structuredClone({
      state: this.#state,
      evidence: this.#evidence,
      cohorts: [...this.#cohorts.values()],
      units: this.#units,
    })
    this.#cycle = new CohortCycle(this.#plan, this.#state, this.#book, this.clock.ms, record)
  }

  #request({ canary, unit, outcome, latencyMs, error, events }: Request, keyed: boolean): void {
    const ticket = this.#book.begin(
      {
        variant: canary ? 'canary' : 'baseline',
        reason: keyed && unit !== null ? 'key' : 'random',
        unit: keyed ? unit : null,
        suppressed: false,
        keyMissing: false,
        overrideRefused: false,
      },
      'r',
    )
    // Not the clock moves: requests of an interval run side by side.
    const began = this.clock.ms
    this.clock.ms += latencyMs
    this.#book.end(ticket, outcome, 200, latencyMs)
    this.clock.ms = began
    this.#book.predicted(ticket, outcome === 'ok' ? 0 : null)
    const prediction = this.#pending.pop()!
    if (error !== null) this.#predictions.push({ prediction, error })
    const isKnown = this.#visits.some((visit) => visit.prediction.unit === prediction.unit)
    // Those of a key are of the request that it is judged by.
    if (keyed && unit !== null && isKnown) return
    this.#visits.push({ prediction, due: events.map((each) => ({ ...each })), totals: [] })
  }

  #events(): void {
    const at = this.clock.ms
    for (const visit of this.#visits) {
      for (const event of visit.due) {
        event.looks -= 1
        if (event.looks !== 0) continue
        const told = { name: event.name, value: null, values: { amount: 1 }, at }
        const { changed, totals } = this.#cycle.event(visit.prediction, visit.totals, told)
        visit.totals = totals
        if (changed !== null) this.#change(changed)
      }
    }
  }

  // Labels of an interval come at the end of the next one.
  #labels(): void {
    const due = this.#predictions.filter(({ prediction }) => this.clock.ms - prediction.at >= 1500)
    for (const each of due) {
      this.#predictions.splice(this.#predictions.indexOf(each), 1)
      const { changed } = this.#cycle.label(each.prediction, each.error)
      if (changed !== null) this.#change(changed)
    }
  }

  /** What feedback has changed is stored with it. */
  #change({ cohort, tallies }: NonNullable<FeedbackBooking['changed']>): void {
    const stored = this.#cohorts.get(cohort)!
    const all = { ...stored.tallies, ...structuredClone(tallies) }
    this.#cohorts.set(cohort, { ...stored, tallies: all })
  }

  #store(): void {
    const changes = this.#cycle.changes()
    for (const cohort of changes.put) this.#cohorts.set(cohort.number, structuredClone(cohort))
    for (const number of changes.drop) this.#cohorts.delete(number)
    this.#units.push(...structuredClone(changes.units))
    this.#evidence = structuredClone(this.#cycle.evidence)
    this.#cycle.stored(changes)
  }
}

function evidenceOf(
  intervals: readonly Interval[],
  keyed: boolean,
  restarts: readonly boolean[] = [],
): Evidence {
  const world = new World(keyed)
  for (const [index, each] of intervals.entries()) {
    world.run(each, keyed)
    if (restarts[index] === true) world.restart()
    // Numbers of cohorts come from the time, and none is given twice.
    world.clock.ms += 100
  }
  return world.evidence
}

t.test(
  'Evidence that was stored and taken up again, at any time, is that of an uninterrupted run.',
  async (t) => {
    let folded = 0
    let ratiosBetOn = 0
    fc.assert(
      fc.property(
        fc.array(busy, { minLength: 3, maxLength: 12, size: 'max' }),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        fc.boolean(),
        (intervals, restarts, keyed) => {
          const whole = evidenceOf(intervals, keyed)
          const interrupted = evidenceOf(intervals, keyed, restarts)
          folded += (whole.hypotheses['errors'] as { trials: readonly number[] }).trials[0]!
          const { proof } = whole.hypotheses['clicks'] as BetEvidence
          if (proof.some((wealth) => wealth !== 0)) ratiosBetOn += 1
          return JSON.stringify(whole) === JSON.stringify(interrupted)
        },
      ),
      { numRuns: 80 },
    )
    t.ok(folded > 1000, 'there was evidence to compare')
    t.ok(ratiosBetOn > 0, `of a ratio in ${ratiosBetOn} runs`)
  },
)

t.test('The order of requests within an interval does not change the evidence.', async () => {
  fc.assert(
    fc.property(
      fc.array(interval, { minLength: 2, maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      (intervals, draws) => {
        const shuffled = intervals.map((each) => ({
          ...each,
          requests: each.requests
            .map((r) => ({ r, at: draws.next().value as number }))
            .toSorted((a, b) => a.at - b.at)
            .map(({ r }) => r),
        }))
        return close(evidenceOf(intervals, false), evidenceOf(shuffled, false))
      },
    ),
    { numRuns: 200 },
  )
})

t.test('Cohorts that are not judged leave no trace but their place in the order.', async () => {
  fc.assert(
    fc.property(
      fc.array(interval, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      (intervals, keyed) => {
        const warm = intervals.map((each) => ({ ...each, judged: false }))
        const evidence = evidenceOf(warm, keyed)
        return (
          evidence.ratio.starts.every((s) => s.length === 0) &&
          Object.values(evidence.hypotheses).every(
            (h) => h.sup.harm === 0 && h.foldedThrough === -1,
          )
        )
      },
    ),
    { numRuns: 50 },
  )
})

/** Equal but for the rounding of sums that were added in another order. */
function close(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    return a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b))
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => close(a[key as keyof typeof a], b[key as keyof typeof b]))
  )
}
