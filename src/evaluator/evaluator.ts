import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Command } from '../domain/decision.ts'
import type { Prediction } from '../domain/prediction.ts'
import type { Deciding, Lead, ServiceReplicas } from '../domain/replica.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { LATE, lateEvent } from '../metrics/feedback-booking.ts'
import type { ExperimentView } from '../rollout/experiment-view.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { refusalOf } from '../rollout/reconcile.ts'
import { forecastWithAdvice, type ForecastWithAdvice } from '../rollout/suggestions.ts'
import type { RolloutView } from '../rollout/view.ts'
import type { EvaluatorDeps, Experiment, Rollout } from './evaluator-deps.ts'
import { buildExperimentDeps, buildRunnerDeps } from './build-runner-deps.ts'
import { ExperimentRunner } from './experiment-runner.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { readStart, rememberedStart } from './read-stored.ts'
import { readTraffic, type GivenTraffic } from './read-traffic.ts'
import type { Follower } from './replica-voice.ts'
import { Replicas, type Claimant, type SeenReplicas } from './replicas.ts'
import { RolloutRunner } from './rollout-runner.ts'
import type {
  BookedLabel,
  BookEvent,
  RunnerDeps,
  RunnerResult,
  RunnerStart,
} from './runner-deps.ts'
import { takeUp } from './take-up.ts'

/** How often the evaluator looks: cohorts turn at the service's `interval`, protection looks each time. */
export const LOOK_MS = 250

/** How often keys are claimed that others may have judged: what is known of their requests waits for that. */
const CLAIM_MS = 50

/** Rollouts that are evaluated before the event loop gets its turn: about a millisecond's work. */
const RUNNERS_AT_A_STRETCH = 8

/** The control loop over all rollouts. */
export class Evaluator {
  readonly #deps: EvaluatorDeps
  readonly #lease: LeaseKeeper
  readonly #replicas: Replicas
  readonly #runners = new Map<string, RolloutRunner>()
  readonly #experiments = new Map<string, ExperimentRunner>()
  #looking: Promise<void> | null = null
  #timers: readonly NodeJS.Timeout[] = []

  constructor(deps: EvaluatorDeps) {
    this.#deps = deps
    const { store, clock, holder } = deps
    this.#lease = new LeaseKeeper(store, clock, holder)
    this.#replicas = new Replicas(store, clock, holder)
  }

  /** Whether this process decides. */
  get leads(): boolean {
    return this.lead === 'here'
  }

  get lead(): Lead {
    return this.#lease.lead
  }

  /** What is known of the other processes on the store; null while one of them decides. */
  get replicas(): SeenReplicas | null {
    return this.leads ? this.#replicas.seen : null
  }

  /** Whose requests are evidence of a service; null where nothing is shared, or another process decides. */
  replicasOf(service: string): ServiceReplicas | null {
    const names = this.#sharedAs(service)
    return this.leads && names.length > 0 ? this.#replicas.seenOf(names) : null
  }

  /** Who decides on a service; null where nothing is decided. */
  deciding(service: string): Deciding | null {
    if (!this.#runners.has(service) && !this.#experiments.has(service)) return null
    const { lead, holder } = this.#lease
    const differs = lead === 'elsewhere' && this.#replicas.differs(this.#sharedAs(service))
    return { lead, holder, differs }
  }

  /**
   * Goes by what was last known of a rollout while the store cannot be asked; the data plane has its weights.
   * Throws a sentence when the configuration cannot go with it. `add` goes on from the store.
   */
  remember(rollout: Rollout, last: RolloutState): void {
    this.#run(rememberedStart(rollout, last))
  }

  /**
   * Takes up a rollout from the store, or begins it; the data plane has its weights when this resolves. One
   * that is remembered goes on from the store by itself. Rejects with a sentence when the configuration
   * cannot go with what is stored.
   */
  async add(rollout: Rollout): Promise<void> {
    const start = await readStart(this.#deps.store, rollout)
    const { plan, record, past } = start
    // What it did in the meantime to protect users stands until it has been decided about.
    if (record !== null && this.#runners.has(plan.service)) {
      takeUp(plan, record, { now: this.#deps.clock.now(), past })
    } else this.#run(start)
  }

  /** Takes up a fixed split from the store, or begins it; the data plane has its weights when this resolves. */
  async addExperiment({ plan, book }: Experiment): Promise<void> {
    const deps = buildExperimentDeps(plan.service, this.#deps, this.#runnerDeps(plan.service))
    const runner = new ExperimentRunner(deps, plan, book)
    await runner.open()
    this.#experiments.set(plan.service, runner)
  }

  /** Why a rollout cannot go on (or begin again) under another plan; null when it can. */
  async refusal(plan: RolloutPlan): Promise<string | null> {
    const running = this.#runners.get(plan.service)
    if (running !== undefined) return running.refusal(plan)
    const record = await this.#deps.store.readRollout(plan.service)
    return record === null ? null : refusalOf(plan, record.state)
  }

  /**
   * Goes on with these rollouts under their new plans; those that are gone end here, kept in the store.
   * Rejects with the first failure, when all of them have gone on as far as the store lets them.
   */
  async reconfigure(rollouts: readonly Rollout[], actor: string): Promise<void> {
    for (const service of [...this.#runners.keys()]) {
      if (rollouts.some((r) => r.plan.service === service)) continue
      await this.#runners.get(service)!.flush()
      this.#runners.delete(service)
    }
    const failures: unknown[] = []
    for (const rollout of rollouts) {
      // What the store does not take of one rollout must not leave the next one with books that are gone.
      await this.#goOn(rollout, actor).catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }

  /** The same for fixed splits. */
  async reconfigureExperiments(experiments: readonly Experiment[], actor: string): Promise<void> {
    for (const service of [...this.#experiments.keys()]) {
      if (experiments.some((e) => e.plan.service === service)) continue
      await this.#experiments.get(service)!.flush()
      this.#experiments.delete(service)
    }
    for (const { plan, book } of experiments) {
      const runner = this.#experiments.get(plan.service)
      if (runner === undefined) await this.addExperiment({ plan, book })
      else await runner.reconfigure(plan, book, actor)
    }
  }

  /** Looks at once, then every quarter of a second until `stop`. */
  start(): void {
    this.#timers = [
      setInterval(() => void this.look(), LOOK_MS).unref(),
      setInterval(() => void this.#claim(), CLAIM_MS).unref(),
    ]
    void this.look()
  }

  /** One look at every rollout; skipped while the one before is still running. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = null))
    return this.#looking
  }

  /** Ends the loop: what is folded is stored, the lease is given back. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.#looking
    await this.#claim()
    for (const runner of this.#all()) {
      await this.#try('flush', () => runner.flush())
    }
    await this.#try('good-bye', () => this.#replicas.leave(this.#followers()))
    // Whoever comes next then waits for it to run out.
    await this.#try('lease', () => this.#lease.release())
  }

  /** Null: the service has no rollout. */
  view(service: string): RolloutView | null {
    return this.#runners.get(service)?.view() ?? null
  }

  /** Null: the service has no fixed split. */
  experiment(service: string): ExperimentView | null {
    return this.#experiments.get(service)?.view() ?? null
  }

  /** Null: the service has no rollout, or no traffic is given nor to be seen. */
  forecast(
    service: string,
    given: GivenTraffic,
    regression: number | null,
  ): ForecastWithAdvice | null {
    const runner = this.#runners.get(service)
    if (runner === undefined) return null
    const reading = runner.reading(this.#deps.clock.now())
    const traffic = readTraffic(reading, given)
    return traffic === null ? null : forecastWithAdvice(reading.plan, traffic, regression)
  }

  /** Null: the service has neither a rollout nor a fixed split. */
  async command(
    service: string,
    command: Command,
    ifMatch: number | null,
  ): Promise<RunnerResult | null> {
    const runner = this.#runners.get(service) ?? this.#experiments.get(service)
    return (await runner?.command(command, ifMatch)) ?? null
  }

  /** Books a label into the cohort of its request; late when nothing waits for it any more. */
  label(prediction: Prediction, label: number): BookedLabel {
    const { service } = prediction
    const runner = this.#runners.get(service)
    if (runner !== undefined) return runner.cohorts.label(prediction, label)
    return this.#experiments.get(service)?.feedback.label(prediction, label) ?? LATE
  }

  /** Books an event of the unit that a request is judged by. */
  readonly event: BookEvent = (prediction, ...told) => {
    const { service } = prediction
    const runner = this.#runners.get(service)
    if (runner !== undefined) return runner.cohorts.event(prediction, ...told)
    const experiment = this.#experiments.get(service)
    return experiment?.feedback.event(prediction, ...told) ?? lateEvent(told[0])
  }

  #run(start: RunnerStart): void {
    const { service } = start.plan
    this.#runners.set(service, new RolloutRunner(this.#runnerDeps(service), start))
  }

  async #goOn({ plan, book }: Rollout, actor: string): Promise<void> {
    const runner = this.#runners.get(plan.service)
    await (runner === undefined ? this.add({ plan, book }) : runner.reconfigure(plan, book, actor))
  }

  async #lookOnce(): Promise<void> {
    await this.#try('lease', () => this.#lease.keep())
    if (this.#lease.isNews()) {
      this.#deps.onLead?.(this.lead)
      this.#replicas.turn()
    }
    await this.#try('word of the other replicas', () =>
      this.#replicas.hear(this.leads, () => this.#followers()),
    )
    await this.#claim()
    const seen = this.replicas
    if (seen !== null && this.#replicas.isNews(seen)) this.#deps.onReplicas?.(seen)
    const ticks: Promise<unknown>[] = []
    let n = 0
    for (const runner of this.#all()) {
      const tick = runner.tick()
      if (tick !== null) ticks.push(tick)
      // Requests get their turn in between; what is on its way into the store is not waited for.
      if (++n % RUNNERS_AT_A_STRETCH === 0) await nextTurn()
    }
    await Promise.all(ticks)
    await this.#try('word to the other replicas', () => this.#replicas.tell(this.#lease.current()))
  }

  async #try(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.onError(what, error)
    }
  }

  async #claim(): Promise<void> {
    const all: Claimant[] = []
    for (const [service, { cohorts }] of this.#runners) {
      if (cohorts.claims.isShared) all.push({ service, claims: cohorts.claims })
    }
    if (all.length > 0) await this.#try('claim of keys', () => this.#replicas.claim(all))
  }

  /** The names under which cohorts of a service are shared. */
  #sharedAs(service: string): readonly string[] {
    if (this.#runners.has(service)) return [service]
    return this.#experiments.get(service)?.followers.map((each) => each.service) ?? []
  }

  #followers(): readonly Follower[] {
    const compared = [...this.#experiments.values()].flatMap(({ followers }) => followers)
    return [...[...this.#runners.values()].map(({ follower }) => follower), ...compared]
  }

  #all(): readonly (RolloutRunner | ExperimentRunner)[] {
    return [...this.#runners.values(), ...this.#experiments.values()]
  }

  #runnerDeps(service: string): RunnerDeps {
    return buildRunnerDeps(service, this.#deps, () => this.#lease.current(), this.#replicas.deps)
  }
}
