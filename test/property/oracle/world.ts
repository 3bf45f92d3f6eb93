import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { Decision } from '../../../src/domain/decision.ts'
import { rolloutId, type RolloutState } from '../../../src/domain/rollout-state.ts'
import type { MetricReport } from '../../../src/domain/verdict.ts'
import { LOOK_MS } from '../../../src/evaluator/evaluator.ts'
import { keyUnit } from '../../../src/feedback/key-unit.ts'
import { Agenda } from '../../fakes/agenda.ts'
import { ManualClock } from '../../fakes/simulated-service.ts'
import type { Case, Fate } from './cases.ts'
import { Gateway, openStore, type SharedStore, type Told } from './gateway.ts'
import type { Folded, Frame, History, Request } from './history.ts'

/** The lease of who was killed has run out by then. */
const LEASE_MS = 6000

/** What a look left behind. */
export type Seen = {
  readonly at: number
  readonly state: RolloutState
  readonly folded: Folded
  readonly ratio: { readonly foldedThrough: number; readonly sup: number }
  /** Null: nothing was folded since the look before. */
  readonly metrics: readonly SeenReport[] | null
  /** How metrics stand against absolute limits, and what their measurements come to. */
  readonly counted: readonly SeenCounted[]
}

/** Gateways of the product on one store, with drawn traffic, on a virtual clock; and what became of all requests. */
export class World {
  readonly clock = new ManualClock()
  readonly began = this.clock.ms
  readonly requests: Request[] = []
  readonly decisions: Decision[] = []
  readonly seen: Seen[] = []
  readonly errors: unknown[] = []
  readonly #life: Case
  readonly #store: SharedStore
  readonly #random
  readonly #agenda = new Agenda()
  readonly #foldedAt = new Map<number, Folded>()
  readonly #gateways: Gateway[] = []
  #due: (() => Promise<void>)[] = []
  #started = 0
  #restartedAt: number | null = null
  #underWay = 0

  private constructor(life: Case, store: SharedStore) {
    this.#life = life
    this.#store = store
    this.#random = createRandom(life.seed)
  }

  static async open(life: Case, path: string): Promise<World> {
    const world = new World(life, await openStore(path))
    for (let n = 0; n < life.gateways; n++) await world.#start()
    return world
  }

  /** A life of so many seconds, or until the rollout has ended. */
  async live(seconds: number): Promise<void> {
    const { restart } = this.#life
    if (restart !== null) {
      await this.#run(restart.after * 1000, true)
      await this.#restart(restart.isKilled)
    }
    await this.#run((seconds - (restart?.after ?? 0)) * 1000, true)
  }

  async history(): Promise<History> {
    const rollout = rolloutId(this.seen.at(-1)!.state)
    const all = { after: 0, limit: 1e6 }
    const frames: readonly Frame[] = await this.#store.archivedCohorts('svc', rollout, all)
    const made = this.decisions.filter(({ action }) => action !== 'hold')
    const decidedAt = new Set(made.map(({ at }) => at))
    return {
      ...{ requests: this.requests, frames, foldedAt: this.#foldedAt, decidedAt },
      restartedAt: this.#restartedAt,
    }
  }

  async close(): Promise<void> {
    for (const gateway of this.#gateways) await gateway.stop()
    await this.#store.close()
  }

  async #start(): Promise<void> {
    const gateway = new Gateway({
      ...{ service: this.#life.service, store: this.#store, clock: this.clock },
      name: `g${this.#started++}`,
      onDecision: (decision) => this.decisions.push(decision),
      onError: (error) => this.errors.push(error),
    })
    await gateway.start()
    this.#gateways.push(gateway)
  }

  async #restart(isKilled: boolean): Promise<void> {
    while (!isKilled && this.#underWay > 0 && !this.#isOver) await this.#run(LOOK_MS, false)
    const gateway = this.#gateways.shift()!
    if (isKilled) this.clock.ms += LEASE_MS
    else await gateway.stop()
    this.#restartedAt = this.clock.ms
    await this.#start()
  }

  get #isOver(): boolean {
    const phase = this.seen.at(-1)?.state.phase
    const isCompared = phase === 'progressing' || phase === 'watching' || phase === 'paused'
    // Without a holdback nothing is compared in a watch.
    const { holdbackBp } = this.#life.service.rollout!
    return phase !== undefined && (!isCompared || (phase === 'watching' && holdbackBp === 0))
  }

  async #run(ms: number, isServing: boolean): Promise<void> {
    for (const end = this.clock.ms + ms; this.clock.ms < end && !this.#isOver;) {
      for (const { buffer } of this.#gateways) await buffer.flush()
      await Promise.all(this.#due.splice(0).map((post) => post()))
      for (const { evaluator } of this.#gateways) await evaluator.look()
      await this.#note()
      const { requestMs } = this.#life
      for (let passed = 0; passed < LOOK_MS; passed += requestMs) {
        this.clock.ms += requestMs
        this.#agenda.runUntil(this.clock.ms)
        if (isServing) this.#request()
      }
    }
  }

  async #note(): Promise<void> {
    const leader = this.#gateways.find(({ evaluator }) => evaluator.leads)
    const view = leader?.evaluator.view('svc')
    const evidence = (await this.#store.readRollout('svc'))?.evidence
    if (evidence == null || view == null) return
    const { hypotheses, ratio } = evidence
    const through = Object.entries(hypotheses).map(([id, found]) => [id, found.foldedThrough])
    const folded = Object.fromEntries(through) as Folded
    const before = this.seen.at(-1)?.folded ?? {}
    const isNews = Object.keys(folded).some((id) => folded[id] !== before[id])
    const metrics = isNews ? view.metrics.map(copyReport) : null
    this.#foldedAt.set(this.clock.ms, folded)
    const counted = view.metrics.map(copyCounted)
    this.seen.push({ at: this.clock.ms, state: view.state, folded, ratio, metrics, counted })
  }

  #request(): void {
    const random = this.#random
    const { keys, segments, fate } = this.#life
    const gateway = this.#pick(this.#gateways)
    const { book, weightBp } = gateway
    const key = keys === 0 || random() < 0.05 ? null : Math.floor(random() * keys)
    const unit = key === null ? null : keyUnit(`k-${key}`)
    // A key's place on [0, 1) is fixed, so that raising the weight moves keys only to the canary.
    const place = key === null ? random() : (key * 0.618033988749895) % 1
    const variant = place * 10_000 < weightBp ? 'canary' : 'baseline'
    const segment = segments.length === 0 ? null : this.#pick(segments)
    const drawn = fate(random, variant, this.clock.ms - this.began)
    const { outcome, latencyMs, observed } = drawn
    const requestId = `r-${this.requests.length}`
    const reason = unit === null ? 'random' : 'key'
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const numbers = new Map([['/number', drawn.number]])
    const assignment = { variant, reason, unit, segment, numbers, ...none } as const
    const ticket = book.begin(assignment, requestId, this.clock.ms, observed)
    const isGood = outcome === 'ok'
    const status = isGood ? drawn.status : 503
    const prediction = isGood && status === 200 && observed ? drawn.prediction : null
    const endsAt = this.clock.ms + latencyMs
    const request: Request = {
      ...{
        key,
        segment,
        at: this.clock.ms,
        endsAt,
        latencyMs,
        outcome,
        status,
        observed,
        prediction,
      },
      ...{ cohort: ticket.cohort?.number ?? null, side: variant === 'canary' ? 1 : 0 },
      ...{ number: drawn.number, label: null, labelAt: Infinity, events: [] },
      isFirst: () => ticket.cohort?.judged === true && ticket.first,
    }
    this.requests.push(request)
    this.#underWay += 1
    this.#agenda.add(endsAt, () => {
      this.#underWay -= 1
      // With a process that was killed its requests are gone.
      if (!this.#gateways.includes(gateway)) return
      if (outcome !== 'client_closed') book.head(ticket, endsAt)
      book.end(ticket, outcome, status, latencyMs, endsAt)
      book.predicted(ticket, prediction)
    })
    this.#feedback(request, requestId, drawn)
  }

  #feedback(request: Request, requestId: string, { labels, events }: Fate): void {
    for (const { after, label } of labels) {
      this.#post(request, after, { requestId, label }, (told) => {
        if (told === 'joined') [request.label, request.labelAt] = [label, this.clock.ms]
      })
    }
    for (const { after, toldAfter, name, id, amount } of events) {
      const at = Math.floor(this.clock.ms + after)
      const line = {
        requestId,
        event: name,
        id,
        at: new Date(at).toISOString(),
        values: { amount },
      }
      this.#post(request, after + toldAfter, line, (told) => {
        if (told !== 'joined') return
        this.#unitOf(request)?.events.push({ name, amount, at, toldAt: this.clock.ms })
      })
    }
  }

  /** The request that a key's events count for: the one it is judged by (anew where a kill has lost that), once answered. */
  #unitOf(request: Request): Request | undefined {
    if (request.key === null || request.isFirst()) return request
    const isKnown = ({ endsAt, isFirst }: Request) => endsAt <= this.clock.ms && isFirst()
    return this.requests.findLast((each) => each.key === request.key && isKnown(each))
  }

  /** Sooner than its answer nobody knows of a request. */
  #post({ endsAt }: Request, after: number, line: object, hear: (told: Told) => void): void {
    this.#agenda.add(Math.max(this.clock.ms + after, endsAt + 1), () => {
      this.#due.push(async () => hear(await this.#pick(this.#gateways).post(line)))
    })
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!
  }
}

/** What is compared of a report, whose parts are made when they are asked for. */
export type SeenReport = ReturnType<typeof copyReport>

function copyReport({ name, verdict, baseline, canary, ratio, evidence, drift }: MetricReport) {
  const { harm, nonInferiority, stepNonInferiority } = evidence
  return { name, verdict, baseline, canary, ratio, harm, nonInferiority, stepNonInferiority, drift }
}

/** What is compared of a report that no evidence decides. */
export type SeenCounted = ReturnType<typeof copyCounted>

function copyCounted({ name, verdict, limit, threshold, baseline, canary }: MetricReport) {
  return { name, verdict, limit, threshold, baseline, canary }
}
