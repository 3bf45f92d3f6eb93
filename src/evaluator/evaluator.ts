import type { Command } from '../domain/decision.ts'
import type { Prediction } from '../domain/prediction.ts'
import type { Deciding, Lead, ServiceReplicas } from '../domain/replica.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { ExperimentView } from '../rollout/experiment-view.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { DecisionSeed } from '../rollout/transition.ts'
import type { ExperimentForecastWithAdvice } from '../rollout/experiment-advice.ts'
import type { ForecastWithAdvice } from '../rollout/suggestions.ts'
import type { RolloutView } from '../rollout/view.ts'
import type { EvaluatorDeps, Experiment, Rollout, Untaken } from './evaluator-deps.ts'
import { buildRunnerDeps } from './build-runner-deps.ts'
import { Commands } from './commands.ts'
import { everyInBackground } from './every.ts'
import type { ExperimentRunner } from './experiment-runner.ts'
import { forecastRunning, forecastRunningExperiment } from './forecast-running.ts'
import { Hearing } from './hearing.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { GivenTraffic } from './read-traffic.ts'
import { Replicas, type SeenReplicas } from './replicas.ts'
import type { RolloutRunner } from './rollout-runner.ts'
import type { BookedLabel, BookEvent, RunnerDeps, RunnerResult } from './runner-deps.ts'
import { Services } from './services.ts'
import { tickAll } from './tick-all.ts'

/** How often the evaluator looks: cohorts turn at the service's `interval`, protection looks each time. */
export const LOOK_MS = 250

/** How often keys are claimed that others may have judged: what is known of their requests waits for that. */
const CLAIM_MS = 50

/** The control loop over all rollouts. */
export class Evaluator {
  readonly #deps: EvaluatorDeps
  readonly #lease: LeaseKeeper
  readonly #replicas: Replicas
  readonly #services: Services
  readonly #commands: Commands
  readonly #hearing = new Hearing()
  /** What was told of what the store has not taken up. */
  #told = ''
  /** Services whose variants are compared. */
  #judged = 0
  #looking: Promise<void> | null = null
  #firstLook: Promise<void> | null = null
  #timers: readonly (() => void)[] = []

  constructor(deps: EvaluatorDeps) {
    const { store, clock, holder, machineClock = clock, onUnstored = async () => {} } = deps
    this.#lease = new LeaseKeeper(store, machineClock, holder)
    const onError = this.#lease.hearing(deps.onError)
    this.#deps = { ...deps, onError }
    this.#replicas = new Replicas(store, clock, holder)
    this.#services = new Services(this.#deps, (service) => this.#runnerDeps(service))
    const commanded = { store, clock: machineClock, holder, onError, onUnstored }
    const differs = (service: string) => this.#replicas.differs(this.#sharedAs(service))
    this.#commands = new Commands(commanded, this.#services, this.#lease, differs)
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
   * `unstored`: the rollback that it came from, where the store did not have that. Throws a sentence when the
   * configuration cannot go with it. `add` goes on from the store.
   */
  remember(rollout: Rollout, last: RolloutState, unstored: DecisionSeed | null): void {
    this.#services.remember(rollout, last, unstored)
  }

  /**
   * Takes up a rollout from the store, or begins it; the data plane has its weights when this resolves. One
   * that is remembered goes on from the store by itself. Rejects with a sentence when the configuration
   * cannot go with what is stored.
   */
  add(rollout: Rollout): Promise<void> {
    return this.#services.add(rollout)
  }

  /** Takes up a fixed split from the store, or begins it; the data plane has its weights when this resolves. */
  addExperiment(experiment: Experiment): Promise<void> {
    return this.#services.addExperiment(experiment)
  }

  /**
   * Why a rollout cannot go on (or begin again) under another plan; null when it can. Where the store cannot be asked,
   * other versions of a rollout that is known here are refused, and nothing else is.
   */
  refusal(plan: RolloutPlan): Promise<string | null> {
    return this.#services.refusal(plan)
  }

  /**
   * Goes on with these rollouts under their new plans; those that are gone end here, kept in the store. `untaken`
   * is what the store did not take or give of it: each look tries again.
   */
  reconfigure(rollouts: readonly Rollout[], actor: string): Promise<void> {
    return this.#services.rollouts.follow(rollouts, actor)
  }

  /** The same for fixed splits. */
  reconfigureExperiments(experiments: readonly Experiment[], actor: string): Promise<void> {
    return this.#services.experiments.follow(experiments, actor)
  }

  /** What of the configuration in force is not taken up by the store; empty = all of it is. */
  get untaken(): readonly Untaken[] {
    return this.#services.untaken
  }

  /** The same of one service, as a sentence; null = all of it is. */
  untakenOf(service: string): string | null {
    return this.#services.untakenOf(service)
  }

  /** A rollback of a service that is in force here and not stored, as a sentence; null = there is none. */
  unstoredOf(service: string): string | null {
    return this.#services.unstoredOf(service)
  }

  /** Looks at once, then every quarter of a second until `stop`. */
  start(): void {
    const { every = everyInBackground } = this.#deps
    this.#timers = [every(LOOK_MS, () => this.look()), every(CLAIM_MS, () => this.#claim())]
    this.#firstLook = this.look().finally(() => (this.#firstLook = null))
  }

  /** One look at every rollout; skipped while the one before is still running. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = null))
    return this.#looking
  }

  /** Ends the loop: what is folded is stored, the lease is given back. */
  async stop(): Promise<void> {
    for (const end of this.#timers) end()
    await this.#looking
    this.#hearing.looked(true)
    await this.#claim()
    await this.#commands.end()
    // All at once: a store that is silent is waited for once, and one that is there takes many in one transaction.
    await Promise.all(this.#services.all.map((runner) => this.#try('flush', () => runner.flush())))
    await this.#try('good-bye', () => this.#replicas.leave(this.#services.followers))
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
    return forecastRunning(reading, runner.view().unitsPerSecond, given, regression)
  }

  /** The same of a fixed split; null too where it compares nothing. */
  forecastExperiment(
    service: string,
    given: GivenTraffic,
    regression: number | null,
  ): ExperimentForecastWithAdvice | null {
    const runner = this.#experiments.get(service)
    if (runner === undefined) return null
    return forecastRunningExperiment(runner.reading(this.#deps.clock.now()), given, regression)
  }

  /**
   * Carries out an operator's command, or has the process that decides do so: this resolves some looks later then. Null:
   * the service has neither a rollout nor a fixed split.
   */
  command(service: string, command: Command, ifMatch: number | null): Promise<RunnerResult | null> {
    const carryOut = () => this.#commands.obey(service, command, ifMatch)
    // Who has only just begun knows in a moment whether it decides.
    return this.#firstLook?.then(carryOut) ?? carryOut()
  }

  /** Aborts here alone, at once, what another process of this gateway was told to abort and could not store. */
  async abortHere(service: string, order: Command): Promise<void> {
    await this.#services.abortHere(service, order)
  }

  /** Resolves once all cohorts are known here that labels and events may be about: who has just begun hears of them first. */
  readonly hearsFeedback = (): Promise<void> => this.#hearing.until(() => this.#services.isDeaf)

  /** Books a label into the cohort of its request; late when nothing waits for it any more. */
  label(prediction: Prediction, label: number): BookedLabel {
    return this.#services.label(prediction, label)
  }

  /** Books an event of the unit that a request is judged by. */
  readonly event: BookEvent = (...booked) => this.#services.event(...booked)

  get #runners(): ReadonlyMap<string, RolloutRunner> {
    return this.#services.rollouts.running
  }

  get #experiments(): ReadonlyMap<string, ExperimentRunner> {
    return this.#services.experiments.running
  }

  async #lookOnce(): Promise<void> {
    await this.#try('lease', () => this.#lease.keep())
    if (this.#lease.isNews()) this.#deps.onLead?.(this.lead)
    const lease = this.#lease.current()
    if (lease !== null) this.#replicas.decide(lease)
    await this.#try('word of the other replicas', () =>
      this.#replicas.hear(this.leads, () => this.#services.followers),
    )
    await this.#try('commands', () => this.#commands.look(this.#replicas.areThere))
    await this.#claim()
    await this.#try('what waits for the store', async () => this.#services.settle())
    const seen = this.replicas
    if (seen !== null && this.#replicas.isNews(seen)) this.#deps.onReplicas?.(seen)
    this.#judged = this.#services.countJudged()
    await tickAll(this.#services.all, this.#deps.clock)
    this.#hearing.looked()
    this.#tellUntaken()
    await this.#try('word to the other replicas', () => this.#replicas.tell(this.#lease.current()))
  }

  #tellUntaken(): void {
    const { untaken } = this
    const told = untaken.map(({ sentence }) => sentence).join('\n')
    if (told !== this.#told) this.#deps.onUntaken?.(untaken)
    this.#told = told
  }

  async #try(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.onError(what, error)
    }
  }

  async #claim(): Promise<void> {
    const all = this.#services.claimants
    if (all.length > 0) await this.#try('claim of keys', () => this.#replicas.claim(all))
  }

  /** The names under which cohorts of a service are shared. */
  #sharedAs(service: string): readonly string[] {
    if (this.#runners.has(service)) return [service]
    return this.#experiments.get(service)?.followers.map((each) => each.service) ?? []
  }

  #runnerDeps(service: string): RunnerDeps {
    const lease = () => this.#lease.current()
    const follows = () => this.lead === 'elsewhere'
    // Others book into the cohorts of who decides for so long as their service's interval says.
    const judged = () => (this.#replicas.areThere ? 0 : this.#judged)
    return buildRunnerDeps(service, this.#deps, { lease, follows, judged }, this.#replicas.deps)
  }
}
