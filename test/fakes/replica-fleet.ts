import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator, LOOK_MS } from '../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { Agenda } from './agenda.ts'
import { MemoryStore } from './memory-store.ts'
import { NetworkStore, type Weather } from './network-store.ts'
import { ManualClock } from './simulated-service.ts'
import { nobodyAnswers } from './simulation.ts'

const STEP_MS = 25

type Replica = {
  readonly network: NetworkStore
  readonly evaluator: Evaluator
  readonly book: ServiceBook
  /** When it looks within each interval of looks. */
  readonly phase: number
  weightBp: number | null
}

/** A request that was drawn into a cohort; `cohort` null = into none. */
export type Drawn = {
  readonly cohort: number | null
  readonly variant: string
  readonly unit: number
}

export type FleetOptions = {
  readonly service: Service
  readonly replicas: number
  readonly draw: () => number
  /** Of all replicas together, each with a key that comes from 1,000 new ones every ten seconds. */
  readonly rps: number
  readonly fails: (variant: string) => boolean
}

/** Many evaluators behind a bad network on one store, with traffic, on a virtual clock. */
export class ReplicaFleet {
  readonly clock = new ManualClock()
  readonly store = new MemoryStore()
  readonly drawn: Drawn[] = []
  readonly all: Replica[] = []
  weather: Weather = { lost: 0, unanswered: 0, delayMs: 0 }
  traffic = true
  readonly #options: FleetOptions
  readonly #agenda = new Agenda()
  #started = 0

  constructor(options: FleetOptions) {
    this.#options = options
    for (let n = 0; n < options.replicas; n += 1) this.start()
  }

  /** Another process comes up; it serves as soon as it has read the store. */
  start(): void {
    const { clock, store } = this
    const { service, draw } = this.#options
    const network = new NetworkStore(store, clock, this.#agenda, draw, () => this.weather)
    const book = new ServiceBook({ service, clock, remember: () => {}, previous: null })
    const evaluator = new Evaluator({
      ...{ store: network.store, clock, holder: `p${this.#started}`, fetchProvider: nobodyAnswers },
      reachability: () => ({ ready: true, downForMs: 0 }),
      confirm: () => 'not-asked',
      apply: (state) => (replica.weightBp = state.weightBp),
      applyWinner: () => {},
      onDecision: () => {},
      onError: () => {},
    })
    const phase = (this.#started * STEP_MS) % LOOK_MS
    const replica: Replica = { network, evaluator, book, phase, weightBp: null }
    this.#started += 1
    this.all.push(replica)
    const open = async (): Promise<void> => {
      await evaluator.add({ plan: buildPlan(service, 'hash')!, book }).catch(open)
    }
    void open()
  }

  get leader(): Replica | undefined {
    return this.all.find(({ evaluator }) => evaluator.leads)
  }

  /** It dies as by SIGKILL. */
  crash(replica: Replica): void {
    replica.network.isDead = true
    this.all.splice(this.all.indexOf(replica), 1)
  }

  async run(ms: number): Promise<void> {
    for (const end = this.clock.ms + ms; this.clock.ms < end;) {
      this.clock.ms += STEP_MS
      this.#agenda.runUntil(this.clock.ms)
      if (this.traffic) this.#requests()
      for (const { evaluator, phase, weightBp } of this.all) {
        if (weightBp !== null && this.clock.ms % LOOK_MS === phase) void evaluator.look()
      }
      await nextTurn()
    }
  }

  /** Runs until it is so; false when it is not in this time. */
  async runUntil(isSo: () => boolean, maxMs: number): Promise<boolean> {
    for (const end = this.clock.ms + maxMs; this.clock.ms < end && !isSo();) await this.run(1000)
    return isSo()
  }

  #requests(): void {
    const { rps, draw, fails } = this.#options
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const expected = (rps * STEP_MS) / 1000
    for (let n = Math.floor(expected + draw()); n > 0; n -= 1) {
      const { book, weightBp } = this.all[Math.floor(draw() * this.all.length)]!
      if (weightBp === null) continue
      const unit = Math.floor(this.clock.ms / 10_000) * 1000 + Math.floor(draw() * 1000)
      const isCanary = (unit * 0.618033988749895) % 1 < weightBp / 10_000
      const variant = isCanary ? 'canary' : 'baseline'
      const ticket = book.begin({ variant, reason: 'key', unit, ...none }, 'r')
      book.end(ticket, fails(variant) ? 'failed' : 'ok', 200, 5)
      this.drawn.push({ cohort: ticket.cohort?.number ?? null, variant, unit })
    }
  }
}
