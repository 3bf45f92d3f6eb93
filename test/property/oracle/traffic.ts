import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { Decision } from '../../../src/domain/decision.ts'
import { LOOK_MS } from '../../../src/evaluator/evaluator.ts'
import { keyUnit } from '../../../src/feedback/key-unit.ts'
import type { Ticket } from '../../../src/metrics/recorder.ts'
import { Agenda } from '../../fakes/agenda.ts'
import { ManualClock } from '../../fakes/simulated-service.ts'
import type { Case, Fate } from './cases.ts'
import { Gateway, type SharedStore, type Told } from './gateway.ts'
import type { Request } from './history.ts'

/** The lease of who was killed has run out by then. */
const LEASE_MS = 6000

/** What of a life makes its traffic. */
export type Traffic = Omit<Case, 'metrics'>

/** A request, and what the product has of it. */
export type Served = {
  readonly variant: string
  readonly request: Request
  readonly ticket: Ticket
}

export type DriveOptions = {
  /** Who answers at this place on [0, 1), at the gateway's weight; a key's place is fixed. */
  readonly variantAt: (place: number, weightBp: number, elapsedMs: number) => string
  /** After each look of all gateways. */
  readonly note: () => Promise<void>
  /** Whether an operator resumes now. */
  readonly resumes: () => boolean
  readonly isOver: () => boolean
}

/** Gateways of the product on one store, with drawn requests and feedback, on a virtual clock. */
export class Drive {
  readonly clock = new ManualClock()
  readonly began = this.clock.ms
  readonly served: Served[] = []
  readonly decisions: Decision[] = []
  readonly errors: unknown[] = []
  readonly gateways: Gateway[] = []
  /** When another process took over; null = none did. */
  restartedAt: number | null = null
  readonly #life: Traffic
  readonly #store: SharedStore
  readonly #options: DriveOptions
  readonly #random
  readonly #agenda = new Agenda()
  #due: (() => Promise<void>)[] = []
  #started = 0
  #underWay = 0

  constructor(life: Traffic, store: SharedStore, options: DriveOptions) {
    this.#life = life
    this.#store = store
    this.#options = options
    this.#random = createRandom(life.seed)
  }

  async start(): Promise<void> {
    for (let n = 0; n < this.#life.gateways; n++) await this.#start()
  }

  /** A life of so many seconds, or until it is over. */
  async live(seconds: number): Promise<void> {
    const { restart } = this.#life
    if (restart !== null) {
      await this.#run(restart.after * 1000, true)
      await this.#restart(restart.isKilled)
    }
    await this.#run((seconds - (restart?.after ?? 0)) * 1000, true)
  }

  async close(): Promise<void> {
    for (const gateway of this.gateways) await gateway.stop()
    await this.#store.close()
  }

  /** The gateway that decides. */
  get leader(): Gateway | undefined {
    return this.gateways.find(({ evaluator }) => evaluator.leads)
  }

  async #start(): Promise<void> {
    const gateway = new Gateway({
      ...{ service: this.#life.service, store: this.#store, clock: this.clock },
      name: `g${this.#started++}`,
      onDecision: (decision) => this.decisions.push(decision),
      onError: (error) => this.errors.push(error),
    })
    await gateway.start()
    this.gateways.push(gateway)
  }

  async #restart(isKilled: boolean): Promise<void> {
    while (!isKilled && this.#underWay > 0 && !this.#options.isOver()) {
      await this.#run(LOOK_MS, false)
    }
    const gateway = this.gateways.shift()!
    if (isKilled) this.clock.ms += LEASE_MS
    else await gateway.stop()
    this.restartedAt = this.clock.ms
    await this.#start()
  }

  async #run(ms: number, isServing: boolean): Promise<void> {
    for (const end = this.clock.ms + ms; this.clock.ms < end && !this.#options.isOver();) {
      for (const { buffer } of this.gateways) await buffer.flush()
      await Promise.all(this.#due.splice(0).map((post) => post()))
      for (const { evaluator } of this.gateways) await evaluator.look()
      if (this.#options.resumes()) await this.#resume()
      await this.#options.note()
      const { requestMs } = this.#life
      for (let passed = 0; passed < LOOK_MS; passed += requestMs) {
        this.clock.ms += requestMs
        this.#agenda.runUntil(this.clock.ms)
        if (isServing) this.#request()
      }
    }
  }

  async #resume(): Promise<void> {
    const order = { verb: 'resume', actor: 'ops', note: null } as const
    await this.leader?.evaluator.command('svc', order, null)
  }

  #request(): void {
    const random = this.#random
    const { keys, segments, fate } = this.#life
    const gateway = this.#pick(this.gateways)
    const { book, weightBp } = gateway
    const key = keys === 0 || random() < 0.05 ? null : Math.floor(random() * keys)
    const unit = key === null ? null : keyUnit(`k-${key}`)
    // So that raising a weight moves keys only to the canary.
    const place = key === null ? random() : (key * 0.618033988749895) % 1
    const variant = this.#options.variantAt(place, weightBp, this.clock.ms - this.began)
    const segment = segments.length === 0 ? null : this.#pick(segments)
    const at = this.clock.ms
    const drawn = fate(random, variant, at - this.began)
    const { outcome, latencyMs, observed, number } = drawn
    const requestId = `r-${this.served.length}`
    const reason = unit === null ? 'random' : 'key'
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const numbers = new Map([['/number', number]])
    const assignment = { variant, reason, unit, segment, numbers, ...none } as const
    const ticket = book.begin(assignment, requestId, at, observed)
    const status = outcome === 'ok' ? drawn.status : outcome === 'client_closed' ? 499 : 503
    const prediction = outcome === 'ok' && status === 200 && observed ? drawn.prediction : null
    const endsAt = at + latencyMs
    const places = [{ ticket }, ...ticket.compared]
    const request: Request = {
      ...{ key, segment, at, endsAt, latencyMs, outcome, status, observed, prediction },
      ...{ cohort: ticket.cohort?.number ?? null, side: variant === 'canary' ? 1 : 0 },
      ...{ number, label: null, labelAt: Infinity, events: [] },
      ...{ gateway: gateway.name, bookedAt: null },
      isFirst: () => places.some(({ ticket: of }) => of.cohort?.judged === true && of.first),
    }
    this.served.push({ variant, request, ticket })
    this.#underWay += 1
    this.#agenda.add(endsAt, () => {
      this.#underWay -= 1
      // With a process that was killed its requests are gone.
      if (!this.gateways.includes(gateway)) return
      if (outcome !== 'client_closed') book.head(ticket, endsAt)
      book.end(ticket, outcome, status, latencyMs, endsAt)
      request.bookedAt = this.clock.ms
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

  /** The request that a key's events count for: the one it is judged by (anew where a kill has lost that), once answered. */
  #unitOf(request: Request): Request | undefined {
    if (request.key === null || request.isFirst()) return request
    const isKnown = ({ endsAt, isFirst }: Request) => endsAt <= this.clock.ms && isFirst()
    const of = ({ request: each }: Served) => each.key === request.key && isKnown(each)
    return this.served.findLast(of)?.request
  }

  /** Sooner than its answer nobody knows of a request. */
  #post({ endsAt }: Request, after: number, line: object, join: () => void): void {
    this.#agenda.add(Math.max(this.clock.ms + after, endsAt + 1), () => {
      this.#due.push(async () => {
        const told: Told = await this.#pick(this.gateways).post(line)
        if (told === 'joined') join()
      })
    })
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!
  }
}
