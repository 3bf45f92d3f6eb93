import { createRandom } from '../../src/demo/seeded-random.ts'
import type { Decision } from '../../src/domain/decision.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { FeedbackEvent, Prediction } from '../../src/domain/prediction.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator, LOOK_MS } from '../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { weightsOf } from '../../src/rollout/experiment.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { MemoryStore } from './memory-store.ts'
import { ManualClock, rolloutSpec, service } from './simulated-service.ts'
import { nobodyAnswers } from './simulation.ts'

/** Three variants at 50, 25 and 25 %. */
export function threeWay(
  metrics: readonly MetricSpec[],
  keyed = false,
  weightsBp: Readonly<Record<string, number>> = { b: 2500, c: 2500 },
): Service {
  const base = service(null, keyed)
  const [baseline] = base.variants
  return {
    ...base,
    variants: [
      baseline!,
      { ...baseline!, name: 'b', version: 'B' },
      { ...baseline!, name: 'c', version: 'C' },
    ],
    split: { ...base.split, weightsBp },
    experiment: rolloutSpec({ analysis: { metrics } }).analysis,
  }
}

export type Fate = (
  variant: string,
  random: () => number,
) => {
  readonly outcome?: Outcome
  readonly ms?: number
  readonly error?: number
  /** Of its unit, at once. */
  readonly events?: readonly Omit<FeedbackEvent, 'at'>[]
  /** In the answer, by pointer. */
  readonly numbers?: Readonly<Record<string, number>>
}

/** The real evaluator and books over drawn traffic, on a virtual clock. */
export class ExperimentWorld {
  readonly clock = new ManualClock()
  readonly store: MemoryStore
  readonly errors: unknown[] = []
  /** Decisions that this process has told of. */
  readonly told: Decision[] = []
  readonly down = new Set<string>()
  readonly results = { joined: 0, late: 0 }
  winner: string | null = null
  service: Service
  book: ServiceBook
  evaluator: Evaluator
  readonly #random: () => number
  readonly #predictions: Prediction[] = []
  #count = 0

  constructor(configured: Service, store = new MemoryStore(), seed = 11) {
    this.service = configured
    this.store = store
    this.#random = createRandom(seed)
    this.book = this.#buildBook(null)
    this.evaluator = this.#newEvaluator()
  }

  static async begin(
    configured: Service,
    store?: MemoryStore,
    seed?: number,
  ): Promise<ExperimentWorld> {
    const world = new ExperimentWorld(configured, store, seed)
    await world.evaluator.addExperiment(world.experiment)
    return world
  }

  get experiment() {
    return { plan: buildExperimentPlan(this.service, 'hash')!, book: this.book }
  }

  get view() {
    return this.evaluator.experiment('svc')!
  }

  verdicts(): Record<string, string> {
    return Object.fromEntries(this.view.comparisons.map((c) => [c.variant, c.verdict]))
  }

  async reload(configured: Service): Promise<void> {
    this.service = configured
    this.book = this.#buildBook(this.book)
    await this.evaluator.reconfigureExperiments([this.experiment], 'configuration')
  }

  /** The process dies and another one takes over, once the lease has run out. */
  async restart(): Promise<void> {
    this.clock.ms += 6000
    this.book = this.#buildBook(null)
    this.winner = null
    this.evaluator = this.#newEvaluator()
    await this.evaluator.addExperiment(this.experiment)
  }

  async run(seconds: number, fate: Fate, rps = 1000): Promise<void> {
    const end = this.clock.ms + seconds * 1000
    while (this.clock.ms < end) {
      await this.evaluator.look()
      const later: (() => 'joined' | 'late')[] = []
      for (let i = 0; i < (rps * LOOK_MS) / 1000; i++) this.#request(fate, later)
      this.clock.ms += LOOK_MS
      for (const say of later) this.results[say()]++
    }
    await this.evaluator.look()
  }

  #request(fate: Fate, later: (() => 'joined' | 'late')[]): void {
    const keyed = this.service.split.key !== null
    const unit = keyed ? Math.floor(this.#random() * 2 ** 32) : null
    const weights = weightsOf(this.service.split, this.winner)
    const [toB = 0, toC = 0] = [weights['b'], weights['c']]
    const place = this.#random() * 10_000
    const variant = place < toB ? 'b' : place < toB + toC ? 'c' : 'baseline'
    const { outcome = 'ok', ms = 20, error, events, numbers } = fate(variant, this.#random)
    const ticket = this.book.begin(
      {
        ...{ variant, reason: keyed ? 'key' : 'random', unit },
        ...{ suppressed: false, keyMissing: false, overrideRefused: false },
      },
      `r${this.#count++}`,
      this.clock.monotonic(),
    )
    this.book.head(ticket, this.clock.ms + ms)
    this.book.end(ticket, outcome, outcome === 'ok' ? 200 : 500, ms, this.clock.ms + ms)
    this.book.predicted(ticket, 1, numbers)
    const prediction = this.#predictions.pop()!
    if (prediction.cohort === -1) return
    if (error !== undefined) {
      later.push(() => this.evaluator.label(prediction, 1 + error).result)
    }
    let totals: readonly number[] = []
    for (const event of events ?? []) {
      later.push(() => {
        const booked = this.evaluator.event(prediction, totals, { ...event, at: this.clock.ms })
        totals = booked.totals
        return booked.result
      })
    }
  }

  #buildBook(previous: ServiceBook | null): ServiceBook {
    return new ServiceBook({
      service: this.service,
      clock: this.clock,
      remember: (prediction) => this.#predictions.push(prediction),
      previous,
    })
  }

  #newEvaluator(): Evaluator {
    return new Evaluator({
      store: this.store,
      clock: this.clock,
      holder: `world ${this.clock.ms}`,
      reachability: (_service, variant) => ({ ready: !this.down.has(variant), downForMs: 0 }),
      fetchProvider: nobodyAnswers,
      confirm: () => 'not-asked',
      apply: () => {},
      applyWinner: (_service, winner) => (this.winner = winner),
      onDecision: (decision) => this.told.push(decision),
      onError: (_what, error) => this.errors.push(error),
    })
  }
}
