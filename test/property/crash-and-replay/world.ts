import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { Command } from '../../../src/domain/decision.ts'
import type { Outcome } from '../../../src/domain/outcome.ts'
import type { Prediction } from '../../../src/domain/prediction.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { CommitError } from '../../../src/evaluator/commit-error.ts'
import { Evaluator, LOOK_MS } from '../../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../../src/metrics/service-recorder.ts'
import { buildExperimentPlan } from '../../../src/rollout/experiment-plan.ts'
import { buildPlan } from '../../../src/rollout/plan.ts'
import type { Store } from '../../../src/store/store.ts'
import { command } from '../../fakes/rollout.ts'
import { ManualClock } from '../../fakes/simulated-service.ts'
import { nobodyAnswers } from '../../fakes/simulation.ts'
import { COOLDOWN_MS, serviceOf, type Configuration } from './configurations.ts'
import { createFaultyStore, StoreFault, type FaultyStore } from './faulty-store.ts'
import { baselineOf, canaryOf, LogBook } from './log-book.ts'

/** How the canary (of `both`: the baseline too) answers. */
export type Traffic = 'good' | 'failing' | 'wrong' | 'both failing' | 'none'

const REQUESTS_A_LOOK = 40

/** One gateway's control loop on a clock of its own: it is ordered about, fails, dies and comes back. */
export class World {
  readonly clock = new ManualClock()
  readonly begunAt = this.clock.ms
  readonly book = new LogBook()
  readonly store: FaultyStore
  /** Errors that no failing store explains. */
  readonly unexpected: unknown[] = []
  configuration: Configuration
  canaryIsUp = true
  #served = { version: '', weightBp: 0 }
  #evaluator: Evaluator
  #service: ServiceBook | null = null
  #process = 0
  #death: Promise<void> | null = null
  #die: () => void = () => {}
  #downSince: number | null = null
  #forces = false
  /** The store took what this process does not know of yet. */
  #isBlind = false
  #hash = 0
  readonly #random = createRandom(7)
  #predictions: Prediction[] = []

  private constructor(inner: Store, configuration: Configuration) {
    this.configuration = configuration
    this.store = createFaultyStore(inner, {
      decision: (decision, state) =>
        this.book.add(decision, state, { cooldownMs: COOLDOWN_MS, force: this.#forces }),
      death: () => this.#die(),
      lostAnswer: () => (this.#isBlind = true),
    })
    this.#evaluator = this.#begin()
  }

  static async create(store: Store, configuration: Configuration): Promise<World> {
    const world = new World(store, configuration)
    await world.#takeUp()
    return world
  }

  /** Looks for so long, with this traffic in between. */
  async run(ms: number, traffic: Traffic): Promise<void> {
    for (let left = ms; left > 0; left -= LOOK_MS) {
      this.#traffic(traffic)
      this.clock.ms += LOOK_MS
      // A look asks the store first, so from here on the process knows what is stored.
      this.#isBlind &&= this.store.away
      await this.#alive(this.#evaluator.look())
    }
  }

  /** Time passes without looks, as while a process is held up. */
  async wait(ms: number): Promise<void> {
    this.clock.ms += ms
    await this.run(LOOK_MS, 'none')
  }

  /** Operators order these things at the same moment. */
  async order(...verbs: readonly [Command['verb'], object?][]): Promise<void> {
    this.#forces = verbs.some(([, change]) => (change as { force?: boolean })?.force === true)
    const asked = verbs.map(([verb, change]) =>
      this.#evaluator.command('svc', command(verb, change), null),
    )
    await this.#alive(Promise.all(asked))
    this.#forces = false
  }

  /** Another configuration is loaded, as the gateway loads it: refused whole, or taken whole. */
  async reload(change: Partial<Configuration>): Promise<void> {
    const next = { ...this.configuration, ...change }
    await this.#alive(this.#reload(next).catch((error: unknown) => this.#failed(error)))
  }

  /** The process ends, in order or not, and another one begins once the lease has run out. */
  async restart(how: 'stopped' | 'killed'): Promise<void> {
    if (how === 'stopped') await this.#alive(this.#evaluator.stop())
    await this.#replace()
  }

  /** Everything works again; whatever the store has is in force after this. */
  async heal(): Promise<void> {
    this.store.away = false
    this.store.nextDecision = null
    this.canaryIsUp = true
    await this.reload({})
    await this.run(2000, 'none')
  }

  /** The store has something that the configuration cannot go on from: a reload of it is refused. */
  async isRefused(): Promise<boolean> {
    const service = serviceOf(this.configuration)
    const plan = service === null ? null : buildPlan(service, this.#configHash)
    return plan !== null && (await this.#evaluator.refusal(plan)) !== null
  }

  /** What the data plane does, for who asks whether it is what the log says. */
  get served(): { readonly version: string; readonly weightBp: number } {
    return this.#served
  }

  #begin(): Evaluator {
    const process = ++this.#process
    this.#isBlind = false
    this.#death = new Promise((resolve) => (this.#die = resolve))
    this.#served = { version: '', weightBp: 0 }
    return new Evaluator({
      store: this.store,
      clock: this.clock,
      holder: `process ${process}`,
      reachability: (_service, variant) => this.#reachability(variant),
      fetchProvider: nobodyAnswers,
      confirm: () => 'not-asked',
      apply: (state) => {
        if (process === this.#process) this.#serve(state)
      },
      applyWinner: () => {},
      onDecision: () => {},
      onError: (_what, error) => this.#failed(error),
    })
  }

  async #takeUp(): Promise<void> {
    const service = serviceOf(this.configuration)
    if (service === null) return
    this.#service = this.#newBook(null)
    const plan = buildPlan(service, this.#configHash)
    if (plan !== null) await this.#evaluator.add({ plan, book: this.#service! })
    const split = buildExperimentPlan(service, this.#configHash)
    if (split !== null) {
      await this.#evaluator.addExperiment({ plan: split, book: this.#service! })
    }
  }

  async #reload(next: Configuration): Promise<void> {
    const service = serviceOf(next)
    const plan = service === null ? null : buildPlan(service, `hash ${this.#hash + 1}`)
    if (plan !== null && (await this.#evaluator.refusal(plan)) !== null) return
    this.configuration = next
    this.#hash++
    const book = (this.#service = this.#newBook(this.#service))
    // As the gateway: what the stored state does not know gets nothing until the evaluator has looked.
    const view = this.#evaluator.view('svc')
    if (plan === null || view === null) this.#served = { version: '', weightBp: 0 }
    else this.#serve(view.state)
    await this.#evaluator.reconfigure(plan === null ? [] : [{ plan, book: book! }], 'configuration')
    const split = service === null ? null : buildExperimentPlan(service, this.#configHash)
    const splits = split === null ? [] : [{ plan: split, book: book! }]
    await this.#evaluator.reconfigureExperiments(splits, 'configuration')
  }

  #newBook(previous: ServiceBook | null): ServiceBook | null {
    const service = serviceOf(this.configuration)
    if (service === null) return null
    const remember = (prediction: Prediction) => void this.#predictions.push(prediction)
    return new ServiceBook({ service, clock: this.clock, remember, previous })
  }

  get #configHash(): string {
    return `hash ${this.#hash}`
  }

  #serve({ canaryVersion, weightBp }: RolloutState): void {
    const { kind, canary } = this.configuration
    const known = kind === 'rollout' && canary === canaryVersion
    this.#served = { version: canaryVersion, weightBp: known ? weightBp : 0 }
    if (!this.#isBlind) this.book.served(this.#served)
  }

  /** Waits for something that this process does; where it dies meanwhile, another one takes over. */
  async #alive(doing: Promise<unknown>): Promise<void> {
    let died = false
    await Promise.race([doing, this.#death!.then(() => (died = true))])
    if (died) await this.#replace()
  }

  async #replace(): Promise<void> {
    // The successor waits for the lease, and a gateway does not start without its store.
    this.clock.ms += 6000
    this.store.away = false
    this.store.nextDecision = null
    this.#predictions = []
    this.#evaluator = this.#begin()
    await this.#takeUp().catch((error: unknown) => this.#bringBack(error))
  }

  // A file that was taken while the store was away may be one that a start refuses: somebody brings back what is stored.
  async #bringBack(error: unknown): Promise<void> {
    const { rollout } = this.book.last!
    const [baseline, canary] = [baselineOf(rollout), canaryOf(rollout)]
    const isStored =
      baseline === this.configuration.baseline && canary === this.configuration.canary
    if (isStored) return void this.unexpected.push(error)
    this.configuration = { ...this.configuration, baseline, canary }
    this.#evaluator = this.#begin()
    await this.#takeUp().catch((again: unknown) => this.unexpected.push(again))
  }

  #failed(error: unknown): void {
    if (!(error instanceof StoreFault || error instanceof CommitError)) this.unexpected.push(error)
  }

  #reachability(variant: string): { ready: boolean; downForMs: number } {
    if (variant === 'baseline' || this.canaryIsUp) {
      if (variant !== 'baseline') this.#downSince = null
      return { ready: true, downForMs: 0 }
    }
    this.#downSince ??= this.clock.ms
    return { ready: false, downForMs: this.clock.ms - this.#downSince }
  }

  #traffic(traffic: Traffic): void {
    const labels = this.#predictions
    this.#predictions = []
    for (const each of labels) {
      const isWrong = each.variant === 'canary' && traffic === 'wrong'
      this.#evaluator.label(each, isWrong ? 4 + this.#random() : this.#random())
    }
    if (traffic === 'none' || this.#service === null) return
    for (let i = 0; i < REQUESTS_A_LOOK; i++) this.#request(this.#service, traffic)
  }

  #request(book: ServiceBook, traffic: Traffic): void {
    const isCanary = this.#random() * 10_000 < this.#served.weightBp
    const fails = traffic === 'both failing' || (traffic === 'failing' && isCanary)
    const outcome: Outcome = fails ? 'failed' : 'ok'
    const ticket = book.begin(
      {
        variant: isCanary ? 'canary' : 'baseline',
        reason: 'random',
        unit: null,
        suppressed: false,
        keyMissing: false,
        overrideRefused: false,
      },
      'r',
    )
    book.head(ticket)
    book.end(ticket, outcome, fails ? 500 : 200, 5)
    book.predicted(ticket, fails ? null : 0)
  }
}
