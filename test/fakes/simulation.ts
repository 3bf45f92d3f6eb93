import type { EvaluatorDeps } from '../../src/evaluator/evaluator-deps.ts'
import { Evaluator, LOOK_MS } from '../../src/evaluator/evaluator.ts'
import type { Confirm } from '../../src/evaluator/observe.ts'
import type { FetchProvider } from '../../src/evaluator/provider-fetcher.ts'
import type { Decision } from '../../src/domain/decision.ts'
import type { FeedbackEvent, Prediction } from '../../src/domain/prediction.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import type { Service } from '../../src/domain/service.ts'
import { Unstored } from '../../src/feedback/unstored.ts'
import { endPair } from '../../src/metrics/pair-ledger.ts'
import { PairedPredictions } from '../../src/metrics/paired-predictions.ts'
import type { Ticket } from '../../src/metrics/recorder.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { Agenda } from './agenda.ts'
import { ManualClock } from './simulated-service.ts'
import { MemoryStore } from './memory-store.ts'

/** What one simulated request meets. */
export type Fate = {
  readonly outcome: Outcome
  /** Of a good answer; 200 when absent. */
  readonly status?: number
  readonly latencyMs: number
  /** When the head and the first byte of the answer's body come; absent = with the last byte, or never. */
  readonly firstByteMs?: number
  /** Absolute error of the prediction; null = no label comes. */
  readonly error: number | null
  readonly labelAfterMs: number
  /** Absent = 0. */
  readonly prediction?: number
  /** What the unit does, so long after its answer and in this order. */
  readonly events?: readonly (Omit<FeedbackEvent, 'at'> & { readonly afterMs: number })[]
}

export type SimulationOptions = {
  readonly service: Service
  readonly random: () => number
  readonly rps: number
  /** Distinct keys; 0 = every request is its own unit. */
  readonly keys: number
  /** Absent: the service has no segments. */
  readonly segment?: () => string
  readonly fate: (variant: string, elapsedMs: number, segment: string | null) => Fate
  readonly reachable?: (variant: string, elapsedMs: number) => boolean
  /** The providers of metrics; without it none of them answers. */
  readonly fetchProvider?: FetchProvider
  readonly confirm?: Confirm
  /** When it begins, in milliseconds since the epoch. */
  readonly start?: number
  /** Told at every turn. */
  readonly onTurn?: EvaluatorDeps['onTurn']
  /** What becomes of a copy, and whether its answer is another one; absent = of each as of its request. */
  readonly copy?: (elapsedMs: number, request: Fate) => CopyFate
}

/** What the copy of a request meets. */
export type CopyFate = {
  readonly failed: boolean
  readonly disagreed: boolean | null
  readonly latencyMs: number
  /** Absent = that of its request. */
  readonly prediction?: number | null
}

/** Providers that are all down. */
export const nobodyAnswers: FetchProvider = () => Promise.reject(new Error('refused'))

/**
 * The real evaluator, ledger and books on a virtual clock with drawn traffic: requests finish after
 * their latency, labels come later, the evaluator looks as often as it does in life.
 */
export class Simulation {
  readonly clock: ManualClock
  readonly store: MemoryStore
  book: ServiceBook
  evaluator: Evaluator
  weightBp = 0
  readonly errors: unknown[] = []
  /** Decisions that this process has told of. */
  readonly told: Decision[] = []
  /** Labels of pairs that were acknowledged. */
  pairLabels = 0
  readonly #options: SimulationOptions
  readonly #start: number
  readonly #agenda = new Agenda()
  readonly #predictions = new Map<string, Prediction>()
  readonly #unstored = new Unstored()
  readonly #halves = new PairedPredictions({
    add: (prediction) => this.#predictions.set(prediction.requestId, prediction),
    find: () => [],
  })
  #downSince = new Map<string, number>()
  #count = 0

  private constructor(options: SimulationOptions, store: MemoryStore) {
    this.#options = options
    this.clock = new ManualClock(options.start)
    this.store = store
    this.#start = this.clock.ms
    this.book = this.buildBook(options.service)
    this.evaluator = this.#newEvaluator()
  }

  static async create(options: SimulationOptions, store = new MemoryStore()): Promise<Simulation> {
    const simulation = new Simulation(options, store)
    await simulation.evaluator.add({
      plan: buildPlan(options.service, 'hash')!,
      book: simulation.book,
    })
    return simulation
  }

  get state(): RolloutState {
    return this.evaluator.view('svc')!.state
  }

  get elapsedMs(): number {
    return this.clock.ms - this.#start
  }

  /** Runs until `done` says so or the time is over; true when it was done. */
  async run(maxMs: number, done: (state: RolloutState) => boolean): Promise<boolean> {
    const end = this.clock.ms + maxMs
    while (this.clock.ms < end) {
      await this.evaluator.look()
      if (done(this.state)) return true
      this.#traffic(LOOK_MS)
    }
    return false
  }

  /** Books of a process that begins, or that reloads its configuration. */
  buildBook(service: Service, previous: ServiceBook | null = null): ServiceBook {
    return new ServiceBook({
      service,
      clock: this.clock,
      remember: this.#halves.add,
      previous,
    })
  }

  /** The configuration is loaded again, as another one. */
  async reload(service: Service, hash: string): Promise<void> {
    this.book = this.buildBook(service, this.book)
    await this.evaluator.reconfigure([{ plan: buildPlan(service, hash)!, book: this.book }], 'ops')
  }

  /** The process dies and another one takes over from the store, once the lease has run out; with another file where it says so. */
  async restart(service = this.#options.service, hash = 'hash'): Promise<void> {
    this.clock.ms += 6000
    this.#agenda.clear()
    this.book = this.buildBook(service)
    this.evaluator = this.#newEvaluator()
    await this.evaluator.add({ plan: buildPlan(service, hash)!, book: this.book })
  }

  #newEvaluator(): Evaluator {
    return new Evaluator({
      store: this.store,
      clock: this.clock,
      holder: `simulation ${this.clock.ms}`,
      reachability: (_service, variant) => this.#reachability(variant),
      fetchProvider: this.#options.fetchProvider ?? nobodyAnswers,
      confirm: this.#options.confirm ?? (() => 'not-asked'),
      apply: (state) => (this.weightBp = state.weightBp),
      applyWinner: () => {},
      onDecision: (decision) => this.told.push(decision),
      onTurn: this.#options.onTurn ?? (() => {}),
      onError: (_what, error) => this.errors.push(error),
    })
  }

  #reachability(variant: string): { ready: boolean; downForMs: number } {
    const ready = this.#options.reachable?.(variant, this.elapsedMs) ?? true
    if (ready) this.#downSince.delete(variant)
    else if (!this.#downSince.has(variant)) this.#downSince.set(variant, this.clock.ms)
    return { ready, downForMs: ready ? 0 : this.clock.ms - this.#downSince.get(variant)! }
  }

  #traffic(ms: number): void {
    const requests = Math.round((this.#options.rps * ms) / 1000)
    for (let i = 0; i < requests; i++) {
      this.clock.ms += ms / requests
      this.#agenda.runUntil(this.clock.ms)
      this.#request()
    }
    if (requests === 0) this.clock.ms += ms
    this.#agenda.runUntil(this.clock.ms)
    this.#storeFeedback()
  }

  /** What came between two looks is one batch. */
  #storeFeedback(): void {
    const { tallies } = this.#unstored
    if (tallies.length > 0) void this.store.commitFeedback({ labels: [], events: [], tallies })
    this.#unstored.stored(() => {})
  }

  #request(): void {
    const { random, keys, fate } = this.#options
    const unit = keys === 0 ? null : Math.floor(random() * keys)
    // A key's place on [0, 1) is fixed, so that raising the weight moves keys only to the canary.
    const place = unit === null ? random() : (unit * 0.618033988749895) % 1
    const variant = place * 10_000 < this.weightBp ? 'canary' : 'baseline'
    const requestId = `r${this.#count++}`
    const segment = this.#options.segment?.() ?? null
    const ticket = this.book.begin(
      {
        variant,
        reason: unit === null ? 'random' : 'key',
        unit,
        suppressed: false,
        keyMissing: false,
        overrideRefused: false,
        segment,
      },
      requestId,
    )
    const met = fate(variant, this.elapsedMs, segment)
    const { outcome, status = 200, latencyMs, error, labelAfterMs, prediction = 0 } = met
    let totals: readonly number[] = []
    for (const { afterMs, ...event } of met.events ?? []) {
      this.#later(latencyMs + afterMs, () => {
        const pending = this.#predictions.get(requestId)!
        const booked = this.evaluator.event(pending, totals, { ...event, at: this.clock.ms })
        totals = booked.totals
        this.#unstored.addTallies('svc', booked)
      })
    }
    if (variant === 'baseline') this.#copy(met, ticket)
    if (met.firstByteMs !== undefined) {
      this.#later(met.firstByteMs, () => {
        this.book.head(ticket)
        this.book.firstByte(ticket)
      })
    }
    this.#later(latencyMs, () => {
      const hasLeft = outcome === 'client_closed'
      if (!hasLeft && met.firstByteMs === undefined) this.book.head(ticket)
      const sent = hasLeft ? 499 : 500
      this.book.end(ticket, outcome, outcome === 'ok' ? status : sent, latencyMs)
      this.book.predicted(ticket, outcome === 'ok' ? prediction : null)
    })
    if (error === null) return
    this.#later(latencyMs + labelAfterMs, () => {
      this.#halves.find(null, requestId)
      const pending = this.#predictions.get(requestId)!
      this.#predictions.delete(requestId)
      const booked = this.evaluator.label(pending, prediction + error)
      if (pending.pair !== undefined && booked.result === 'joined') this.pairLabels++
      this.#unstored.addTallies('svc', booked)
    })
  }

  /** Both fates of a pair are known when the slower one is. */
  #copy(request: Fate, ticket: Ticket): void {
    const pair = this.book.mirrors.get('canary')?.ledger?.begin(ticket.segment) ?? null
    ticket.pair = pair
    if (pair === null) return
    const liveFailed = request.outcome === 'failed'
    const { latencyMs: liveMs, prediction: said = 0 } = request
    const same = { failed: liveFailed, disagreed: false, latencyMs: liveMs }
    const copied: CopyFate = this.#options.copy?.(this.elapsedMs, request) ?? same
    const { failed: copyFailed, disagreed, latencyMs: copyMs, prediction = said } = copied
    const isGood = request.outcome === 'ok' && (request.status ?? 200) < 300
    const predictions = [isGood ? said : null, copyFailed ? null : prediction] as const
    this.#later(Math.max(liveMs, copyMs), () =>
      endPair(pair, { liveFailed, copyFailed, disagreed, liveMs, copyMs, predictions }),
    )
  }

  #later(ms: number, run: () => void): void {
    this.#agenda.add(this.clock.ms + ms, run)
  }
}
