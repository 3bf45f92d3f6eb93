import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { Comparison } from '../../../src/domain/comparison.ts'
import type { Decision } from '../../../src/domain/decision.ts'
import { LOOK_MS } from '../../../src/evaluator/evaluator.ts'
import { keyUnit } from '../../../src/feedback/key-unit.ts'
import type { Ticket } from '../../../src/metrics/recorder.ts'
import { Agenda } from '../../fakes/agenda.ts'
import { ManualClock } from '../../fakes/simulated-service.ts'
import type { Fate } from './cases.ts'
import type { ExperimentCase } from './experiment-cases.ts'
import { Gateway, openStore, type SharedStore, type Told } from './gateway.ts'
import type { Folded, Frame, History, Request } from './history.ts'

/** The lease of who was killed has run out by then. */
const LEASE_MS = 6000

/** What a look left behind of a challenger. */
export type SeenComparison = {
  readonly at: number
  readonly variant: string
  readonly folded: Folded
  readonly ratio: { readonly foldedThrough: number; readonly sup: number }
  readonly shown: ReturnType<typeof copyComparison>
}

type Served = {
  readonly variant: string
  readonly request: Request
  readonly ticket: Ticket
}

/** Gateways of the product on one store, with drawn traffic to a fixed split, on a virtual clock. */
export class ExperimentWorld {
  readonly clock = new ManualClock()
  readonly began = this.clock.ms
  readonly decisions: Decision[] = []
  readonly seen: SeenComparison[] = []
  readonly errors: unknown[] = []
  readonly #life: ExperimentCase
  readonly #store: SharedStore
  readonly #random
  readonly #agenda = new Agenda()
  readonly #served: Served[] = []
  readonly #gateways: Gateway[] = []
  #due: (() => Promise<void>)[] = []
  #started = 0
  #underWay = 0

  private constructor(life: ExperimentCase, store: SharedStore) {
    this.#life = life
    this.#store = store
    this.#random = createRandom(life.seed)
  }

  static async open(life: ExperimentCase, path: string): Promise<ExperimentWorld> {
    const world = new ExperimentWorld(life, await openStore(path))
    for (let n = 0; n < life.gateways; n++) await world.#start()
    return world
  }

  /** A life of so many seconds. */
  async live(seconds: number): Promise<void> {
    const { restart } = this.#life
    if (restart !== null) {
      await this.#run(restart.after * 1000, true)
      await this.#restart(restart.isKilled)
    }
    await this.#run((seconds - (restart?.after ?? 0)) * 1000, true)
  }

  /** That of a challenger: the requests that were drawn for it or the baseline. */
  async history(challenger: string): Promise<History> {
    const all = { after: 0, limit: 1e6 }
    const { evidence } = (await this.#store.readRollout(`svc/${challenger}`))!
    const name = `svc/${challenger}`
    const frames: readonly Frame[] = await this.#store.archivedCohorts(name, evidence!.rollout, all)
    const requests = this.#served.flatMap(({ variant, request, ticket }) => {
      if (variant !== 'baseline' && variant !== challenger) return []
      const place = ticket.compared.find((each) => each.challenger === challenger)?.ticket
      const isFirst = () => place?.cohort?.judged === true && place.first
      const side: 0 | 1 = variant === 'baseline' ? 0 : 1
      return [{ ...request, side, cohort: place?.cohort?.number ?? null, isFirst }]
    })
    const own = this.seen.filter(({ variant }) => variant === challenger)
    const foldedAt = new Map(own.map(({ at, folded }) => [at, folded]))
    return { requests, frames, foldedAt, decidedAt: new Set(), restartedAt: null }
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
    while (!isKilled && this.#underWay > 0) await this.#run(LOOK_MS, false)
    const gateway = this.#gateways.shift()!
    if (isKilled) this.clock.ms += LEASE_MS
    else await gateway.stop()
    await this.#start()
  }

  async #run(ms: number, isServing: boolean): Promise<void> {
    for (const end = this.clock.ms + ms; this.clock.ms < end;) {
      for (const { buffer } of this.#gateways) await buffer.flush()
      await Promise.all(this.#due.splice(0).map((post) => post()))
      for (const { evaluator } of this.#gateways) await evaluator.look()
      await this.#note()
      for (let passed = 0; passed < LOOK_MS; passed += this.#life.requestMs) {
        this.clock.ms += this.#life.requestMs
        this.#agenda.runUntil(this.clock.ms)
        if (isServing) this.#request()
      }
    }
  }

  async #note(): Promise<void> {
    const leader = this.#gateways.find(({ evaluator }) => evaluator.leads)
    for (const comparison of leader?.evaluator.experiment('svc')?.comparisons ?? []) {
      const { variant } = comparison
      const evidence = (await this.#store.readRollout(`svc/${variant}`))?.evidence
      if (evidence == null) continue
      const { hypotheses, ratio } = evidence
      const through = Object.entries(hypotheses).map(([id, found]) => [id, found.foldedThrough])
      const folded = Object.fromEntries(through) as Folded
      const shown = copyComparison(comparison)
      this.seen.push({ at: this.clock.ms, variant, folded, ratio, shown })
    }
  }

  #draw(key: number | null): string {
    // A key's place on [0, 1) is fixed.
    let place = 100 * (key === null ? this.#random() : (key * 0.618033988749895) % 1)
    for (const [name, weight] of Object.entries(this.#life.weights)) {
      if (place < weight) return name
      place -= weight
    }
    return 'baseline'
  }

  #request(): void {
    const random = this.#random
    const { keys, segments, fate } = this.#life
    const gateway = this.#pick(this.#gateways)
    const { book } = gateway
    const key = keys === 0 || random() < 0.05 ? null : Math.floor(random() * keys)
    const unit = key === null ? null : keyUnit(`k-${key}`)
    const variant = this.#draw(key)
    const segment = segments.length === 0 ? null : this.#pick(segments)
    const drawn = fate(random, variant, this.clock.ms - this.began)
    const { outcome, latencyMs, observed } = drawn
    const requestId = `r-${this.#served.length}`
    const reason = unit === null ? 'random' : 'key'
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const assignment = { variant, reason, unit, segment, ...none } as const
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
      ...{
        cohort: null,
        side: 0,
        number: drawn.number,
        label: null,
        labelAt: Infinity,
        events: [],
      },
      isFirst: () =>
        ticket.compared.some(({ ticket: of }) => of.cohort?.judged === true && of.first),
    }
    this.#served.push({ variant, request, ticket })
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
      this.#post(request, after, { requestId, label }, () => {
        ;[request.label, request.labelAt] = [label, this.clock.ms]
      })
    }
    for (const { after, toldAfter, name, id, amount } of events) {
      const at = Math.floor(this.clock.ms + after)
      const values = { amount }
      const line = { requestId, event: name, id, at: new Date(at).toISOString(), values }
      this.#post(request, after + toldAfter, line, () => {
        this.#unitOf(request)?.events.push({ name, amount, at, toldAt: this.clock.ms })
      })
    }
  }

  /** The request that a key's events count for: the one it is judged by, once answered. */
  #unitOf(request: Request): Request | undefined {
    if (request.key === null || request.isFirst()) return request
    const isKnown = ({ endsAt, isFirst }: Request) => endsAt <= this.clock.ms && isFirst()
    const of = ({ request: each }: Served) => each.key === request.key && isKnown(each)
    return this.#served.findLast(of)?.request
  }

  /** Sooner than its answer nobody knows of a request. */
  #post({ endsAt }: Request, after: number, line: object, join: () => void): void {
    this.#agenda.add(Math.max(this.clock.ms + after, endsAt + 1), () => {
      this.#due.push(async () => {
        const told: Told = await this.#pick(this.#gateways).post(line)
        if (told === 'joined') join()
      })
    })
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!
  }
}

function copyComparison({ verdict, metrics, units, expectedShare, ratioMismatch }: Comparison) {
  const copied = metrics.map(({ report, verdict: said, superiority, differs }) => {
    const { name, baseline, canary, ratio, evidence } = report
    const { harm, nonInferiority } = evidence
    const told = { verdict: said, superiority, differs: differs ?? null }
    return { name, baseline, canary, ratio, harm, nonInferiority, ...told }
  })
  return { verdict, metrics: copied, units, expectedShare, ratioMismatch }
}
