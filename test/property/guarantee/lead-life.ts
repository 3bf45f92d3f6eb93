import { createStream, type Random } from '../../../bench/calibration/random.ts'
import type { Decision } from '../../../src/domain/decision.ts'
import type { Prediction } from '../../../src/domain/prediction.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { Evaluator } from '../../../src/evaluator/evaluator.ts'
import { keyUnit } from '../../../src/feedback/key-unit.ts'
import { endPair } from '../../../src/metrics/pair-ledger.ts'
import { PairedPredictions } from '../../../src/metrics/paired-predictions.ts'
import { ServiceBook } from '../../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../../src/rollout/plan.ts'
import { Agenda } from '../../fakes/agenda.ts'
import { ManualClock } from '../../fakes/simulated-service.ts'
import { nobodyAnswers } from '../../fakes/simulation.ts'
import { ALIKE } from './difference.ts'
import type { Life } from './draw-life.ts'
import { drawFate, drawNature, PLAIN, type Nature } from './draw-request.ts'
import { ForgetfulStore } from './forgetful-store.ts'
import { drawCommand } from './operator.ts'
import { waveAt } from './sizes.ts'

/** What came of a rollout. */
export type Led = {
  readonly end: RolloutState
  readonly decisions: readonly Decision[]
  readonly requests: number
  readonly seconds: number
  readonly errors: readonly unknown[]
  readonly missing: readonly string[]
}

type User = {
  readonly unit: number
  readonly place: number
  readonly nature: Nature
  readonly segment: string | null
}

/** Leads a rollout through the evaluator, the books and the ledgers of the product, on a clock of its own. */
export async function leadLife(life: Life): Promise<Led> {
  const world = new World(life)
  return world.live()
}

class World {
  readonly #life: Life
  readonly #random: Random
  readonly #clock = new ManualClock()
  readonly #began = this.#clock.ms
  readonly #agenda = new Agenda()
  readonly #store = new ForgetfulStore()
  readonly #decisions: Decision[] = []
  readonly #errors: unknown[] = []
  readonly #users = new Map<number, User>()
  readonly #predictions = new Map<string, Prediction>()
  readonly #halves = new PairedPredictions({
    add: (prediction) => this.#predictions.set(prediction.requestId, prediction),
    find: () => [],
  })
  readonly #drawKey: () => number
  readonly #book: ServiceBook
  readonly #evaluator: Evaluator
  #weightBp = 0
  #count = 0
  #worst = 0

  constructor(life: Life) {
    this.#life = life
    this.#random = createStream(`${life.seed} ${life.canary}`)
    this.#drawKey = drawKeys(this.#random, life)
    this.#book = new ServiceBook({
      service: life.service,
      clock: this.#clock,
      remember: this.#halves.add,
      previous: null,
    })
    this.#evaluator = new Evaluator({
      ...{ store: this.#store, clock: this.#clock, holder: 'one', fetchProvider: nobodyAnswers },
      reachability: () => ({ ready: true, downForMs: 0 }),
      confirm: () => 'not-asked',
      apply: ({ weightBp }) => (this.#weightBp = weightBp),
      applyWinner: () => {},
      onDecision: (decision) => this.#decisions.push(decision),
      onError: (_what, error) => this.#errors.push(error),
    })
  }

  async live(): Promise<Led> {
    const { service, traffic } = this.#life
    await this.#evaluator.add({ plan: buildPlan(service, 'hash')!, book: this.#book })
    const lookMs = Math.min(5000, service.rollout!.analysis.intervalMs)
    let owed = 0
    const view = () => this.#evaluator.view('svc')!
    while (this.#at < traffic.seconds * 1.5) {
      await this.#evaluator.look()
      await this.#operate()
      const { state } = view()
      if (isOver(state, this.#life)) break
      owed += (traffic.perSecond * waveAt(traffic.rate, this.#at) * lookMs) / 1000
      const requests = Math.floor(owed + this.#random())
      owed -= requests
      for (let n = 0; n < requests; n++) {
        this.#clock.ms += lookMs / requests
        this.#agenda.runUntil(this.#clock.ms)
        this.#request(this.#drawUser())
      }
      if (requests <= 0) this.#clock.ms += lookMs
      this.#agenda.runUntil(this.#clock.ms)
    }
    const { state, missing } = view()
    return {
      end: state,
      decisions: this.#decisions,
      requests: this.#count,
      seconds: this.#at,
      errors: this.#errors,
      missing: missing,
    }
  }

  get #at(): number {
    return (this.#clock.ms - this.#began) / 1000
  }

  async #operate(): Promise<void> {
    const { state, metrics } = this.#evaluator.view('svc')!
    const isWatched = this.#life.hand === 'worst'
    const worst = !isWatched
      ? 0
      : Math.max(
          0,
          ...metrics.map(({ evidence: { harm } }) =>
            harm === null ? 0 : harm.log / harm.threshold,
          ),
        )
    const isNewWorst = worst > 0.3 && worst > this.#worst * 1.05
    this.#worst = Math.max(worst, this.#worst)
    const command = drawCommand(this.#random, state, this.#life, isNewWorst)
    if (command !== null) await this.#evaluator.command('svc', command, null)
  }

  #drawUser(): User | null {
    if (this.#life.traffic.keys === null) return null
    const key = this.#drawKey()
    let user = this.#users.get(key)
    if (user === undefined) {
      const nature = drawNature(this.#random, this.#life.traffic.keys.differ)
      user = {
        unit: keyUnit(`k${this.#life.seed}-${key}`),
        place: this.#random(),
        nature,
        segment: this.#drawSegment(),
      }
      this.#users.set(key, user)
    }
    return user
  }

  #drawSegment(): string | null {
    const { segments } = this.#life.traffic
    if (segments.length === 0) return null
    let place = this.#random()
    for (const [i, share] of segments.entries()) {
      place -= share
      if (place < 0) return `s${i}`
    }
    return 'other'
  }

  #request(user: User | null): void {
    const { traffic, scale, difference, service } = this.#life
    const random = this.#random
    const variant = (user?.place ?? random()) * 10_000 < this.#weightBp ? 'canary' : 'baseline'
    const requestId = `r${this.#count++}`
    const segment = user?.segment ?? this.#drawSegment()
    const observed = service.observe.sample === 1 || random() < service.observe.sample
    const ticket = this.#book.begin(
      {
        ...{ variant, reason: user === null ? 'random' : 'key', unit: user?.unit ?? null, segment },
        ...{ suppressed: false, keyMissing: false, overrideRefused: false },
      },
      requestId,
      this.#clock.ms,
      observed,
    )
    const by = variant === 'canary' ? difference : ALIKE
    const nature = user?.nature ?? PLAIN
    const fate = drawFate(random, traffic, scale, this.#at, nature, by)
    const { outcome, status, latencyMs } = fate
    const endsAt = this.#clock.ms + latencyMs
    const isGood = outcome === 'ok' && status === 200
    if (variant === 'baseline' && this.#weightBp === 0) this.#copy(ticket, fate, observed, nature)
    this.#agenda.add(endsAt, () => {
      if (outcome !== 'client_closed') this.#book.head(ticket, endsAt)
      this.#book.end(ticket, outcome, outcome === 'client_closed' ? 499 : status, latencyMs, endsAt)
      if (observed || scale.hasEvents) {
        const read = isGood && observed ? fate : null
        const numbers: Record<string, number> = read === null ? {} : { '/tokens': read.tokens }
        this.#book.predicted(ticket, read?.prediction ?? null, numbers)
      }
      if (outcome === 'failed' && random() < traffic.again) {
        this.#agenda.add(endsAt + 200, () => this.#request(user))
      }
      this.#follow(requestId, fate, observed && (isGood || traffic.labelsFailed))
    })
  }

  /** Labels and events of a request that has been answered. */
  #follow(
    requestId: string,
    { label, labelAfterMs, events }: ReturnType<typeof drawFate>,
    isLabelled: boolean,
  ): void {
    const now = this.#clock.ms
    const last = Math.max(
      isLabelled && label !== null ? labelAfterMs : 0,
      ...events.map((e) => e.afterMs),
    )
    if (isLabelled && label !== null) {
      this.#agenda.add(now + labelAfterMs, () => {
        this.#halves.find(null, requestId)
        const pending = this.#predictions.get(requestId)
        if (pending !== undefined) this.#evaluator.label(pending, label)
      })
    }
    let totals: readonly number[] = []
    for (const { name, amount, afterMs } of events) {
      this.#agenda.add(now + afterMs, () => {
        const pending = this.#predictions.get(requestId)
        if (pending === undefined || pending.cohort === -1) return
        const event = { name, value: null, values: { amount }, at: this.#clock.ms }
        totals = this.#evaluator.event(pending, totals, event).totals
      })
    }
    this.#agenda.add(now + last + 1, () => this.#predictions.delete(requestId))
  }

  #copy(
    ticket: Parameters<ServiceBook['end']>[0],
    live: ReturnType<typeof drawFate>,
    observed: boolean,
    nature: Nature,
  ): void {
    const ledger = this.#book.mirrors.get('canary')?.ledger
    if (ledger === undefined || ledger === null) return
    const pair = ledger.begin(ticket.segment)
    ticket.pair = pair
    if (pair === null) return
    const { traffic, scale } = this.#life
    const copy = drawFate(this.#random, traffic, scale, this.#at, nature, ALIKE)
    const isFailed = (of: typeof copy) => of.outcome === 'failed' || of.outcome === 'no_answer'
    const [liveFailed, copyFailed] = [isFailed(live), isFailed(copy)]
    // Its own error about the same truth, where numbers say that.
    const said = scale.isNumeric ? copy.prediction - copy.truth + live.truth : live.prediction
    // A request that is refused is refused by both.
    const isRefused = (liveFailed ? copy : live).status !== 200
    const of = (failed: boolean, number: number) => (failed || isRefused ? null : number)
    const fate = {
      ...{ liveFailed, copyFailed, liveMs: live.latencyMs, copyMs: copy.latencyMs },
      disagreed: false,
      predictions: observed
        ? ([of(liveFailed, live.prediction), of(copyFailed, said)] as const)
        : null,
    }
    this.#agenda.add(this.#clock.ms + Math.max(live.latencyMs, copy.latencyMs), () =>
      endPair(pair, live.outcome === 'client_closed' ? null : fate),
    )
  }
}

function isOver(state: RolloutState, { service, hand }: Life): boolean {
  const { holdbackBp, analysis } = service.rollout!
  switch (state.phase) {
    case 'rolled-back':
    case 'promoted':
      return true
    case 'watching':
      return holdbackBp === 0 && !analysis.metrics.some((m) => m.max !== null || m.min !== null)
    case 'paused':
      return hand === 'none' && !['timer', 'approval'].includes(state.pausedBy)
    default:
      return false
  }
}

function drawKeys(random: Random, { traffic: { keys } }: Life): () => number {
  if (keys === null) return () => 0
  const { count, skew, fresh } = keys
  let [sum, next] = [0, count]
  const reached = Float64Array.from({ length: count }, (_, key) => (sum += (key + 1) ** -skew))
  return () => {
    if (fresh > 0 && random() < fresh) return next++
    const drawn = random() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (reached[middle]! < drawn) low = middle + 1
      else high = middle
    }
    return low
  }
}
