import type { Command } from '../domain/decision.ts'
import type { Prediction } from '../domain/prediction.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import { LATE, lateEvent } from '../metrics/feedback-booking.ts'
import { experimentKey, type ExperimentPlan } from '../rollout/experiment-plan.ts'
import { opensCohorts } from '../rollout/opens-cohorts.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { refusalOf } from '../rollout/reconcile.ts'
import type { DecisionSeed } from '../rollout/transition.ts'
import { buildExperimentDeps } from './build-runner-deps.ts'
import { STORE_FAILED } from './command-results.ts'
import { isOfStore } from './commit-error.ts'
import type { EvaluatorDeps, Experiment, Rollout, Untaken } from './evaluator-deps.ts'
import { ExperimentRunner } from './experiment-runner.ts'
import { FollowedCohorts } from './followed-cohorts.ts'
import type { Follower } from './replica-voice.ts'
import type { Claimant } from './replicas.ts'
import { readStart, rememberedStart } from './read-stored.ts'
import { RolloutRunner } from './rollout-runner.ts'
import { Roster } from './roster.ts'
import type {
  BookedLabel,
  BookEvent,
  RunnerDeps,
  RunnerResult,
  RunnerStart,
} from './runner-deps.ts'
import { takeUp } from './take-up.ts'

/** The services that this process decides on or follows, as the configuration brings and takes them. */
export class Services {
  readonly rollouts: Roster<RolloutPlan, RolloutRunner>
  readonly experiments: Roster<ExperimentPlan, ExperimentRunner>
  readonly #deps: EvaluatorDeps
  readonly #runnerDeps: (service: string) => RunnerDeps

  constructor(deps: EvaluatorDeps, runnerDeps: (service: string) => RunnerDeps) {
    this.#deps = deps
    this.#runnerDeps = runnerDeps
    const { store, onError } = deps
    const begin = async (each: Rollout) => this.#begin(await readStart(store, each))
    this.rollouts = new Roster(begin, onError)
    this.experiments = new Roster((each) => this.#openExperiment(each), onError)
  }

  /** See `Evaluator.remember`. */
  remember(rollout: Rollout, last: RolloutState, unstored: DecisionSeed | null): void {
    const start = rememberedStart(rollout, last, unstored)
    this.#mustGoOn(start)
    this.rollouts.put(rollout.plan.service, this.#begin(start))
  }

  /** See `Evaluator.add`. */
  add(rollout: Rollout): Promise<void> {
    return this.rollouts.inTurn(async () => {
      const start = await readStart(this.#deps.store, rollout)
      const { plan, record } = start
      this.#mustGoOn(start)
      // What it did in the meantime to protect users stands until it has been decided about.
      if (record !== null && this.rollouts.running.has(plan.service)) return
      this.rollouts.put(plan.service, this.#begin(start))
    })
  }

  /** See `Evaluator.addExperiment`. */
  addExperiment(experiment: Experiment): Promise<void> {
    return this.experiments.inTurn(async () => {
      this.experiments.put(experiment.plan.service, await this.#openExperiment(experiment))
    })
  }

  /** See `Evaluator.refusal`. */
  async refusal(plan: RolloutPlan): Promise<string | null> {
    const known = this.rollouts.find(plan.service)
    if (known !== undefined) return known.refusal(plan)
    try {
      const record = await this.#deps.store.readRollout(plan.service)
      return record === null ? null : refusalOf(plan, record.state)
    } catch (error) {
      if (!isOfStore(error)) throw error
      // Its canary gets nothing before the store has been asked, and whoever looks is told then.
      return null
    }
  }

  /** Whether the store has yet to be asked for a service. */
  isJoining(service: string): boolean {
    return this.rollouts.isJoining(service) || this.experiments.isJoining(service)
  }

  /** What of the configuration in force is not taken up by the store. */
  get untaken(): readonly Untaken[] {
    const untaken = new Map<string, Untaken>()
    for (const roster of [this.rollouts, this.experiments]) {
      for (const service of roster.names()) {
        const sentence = this.untakenOf(service)
        if (sentence !== null) untaken.set(service, { service, sentence })
      }
    }
    return [...untaken.values()]
  }

  /** The same of one service, as a sentence; null = all of it is. */
  untakenOf(service: string): string | null {
    const { rollouts, experiments } = this
    if (rollouts.isJoining(service)) {
      return `services.${service}: its rollout is taken up when the store can be asked; until then its baseline alone is served`
    }
    if (experiments.isJoining(service)) {
      return `services.${service}: its fixed split is taken up when the store can be asked; until then the weights of the file are served`
    }
    const running = rollouts.running.get(service) ?? experiments.running.get(service)
    if (running !== undefined) return running.untaken
    const isLeaving = rollouts.isLeaving(service) || experiments.isLeaving(service)
    return isLeaving
      ? `services.${service}: is gone; what it owes the store is stored when that is back`
      : null
  }

  /** A rollback of a service that is in force here and not stored, as a sentence; null = there is none. */
  unstoredOf(service: string): string | null {
    return this.rollouts.running.get(service)?.unstored ?? null
  }

  /** See `Evaluator.command`. */
  async command(
    service: string,
    command: Command,
    ifMatch: number | null,
  ): Promise<RunnerResult | null> {
    const runner = this.rollouts.running.get(service) ?? this.experiments.running.get(service)
    if (runner === undefined) return this.isJoining(service) ? STORE_FAILED : null
    return runner.command(command, ifMatch)
  }

  /** See `Evaluator.abortHere`; null = the service has no rollout. */
  async abortHere(
    service: string,
    order: Command,
    ifMatch: number | null = null,
  ): Promise<RunnerResult | null> {
    return (await this.rollouts.running.get(service)?.abortHere(order, ifMatch)) ?? null
  }

  /** What is decided on of a service, without the attempt; null = nothing is. */
  subjectOf(service: string): string | null {
    const rollout = this.rollouts.running.get(service)
    const id = rollout && rolloutId(rollout.state)
    return (id ?? this.experiments.running.get(service)?.id)?.replace(/#\d+$/, '') ?? null
  }

  /** Has what another process has decided on a service, and stored, in force here. Never rejects. */
  async catchUp(service: string): Promise<void> {
    await this.rollouts.running.get(service)?.tick()
    await this.experiments.running.get(service)?.tick()
  }

  /** Those that run. */
  get all(): readonly (RolloutRunner | ExperimentRunner)[] {
    return [...this.rollouts.running.values(), ...this.experiments.running.values()]
  }

  /** Their parts in what another process decides. */
  get followers(): readonly Follower[] {
    const compared = [...this.experiments.running.values()].flatMap(({ followers }) => followers)
    return [...[...this.rollouts.running.values()].map(({ follower }) => follower), ...compared]
  }

  /** Of how many the variants are compared. */
  countJudged(): number {
    const now = this.#deps.clock.now()
    let judged = 0
    for (const runner of this.rollouts.running.values()) {
      const { plan, state } = runner.reading(now)
      if (opensCohorts(plan, state)) judged += 1
    }
    for (const runner of this.experiments.running.values()) if (runner.isJudged) judged += 1
    return judged
  }

  /** Those whose keys others may judge too. */
  get claimants(): readonly Claimant[] {
    const all: Claimant[] = []
    for (const [service, { cohorts }] of this.rollouts.running) {
      if (cohorts.claims.isShared) all.push({ service, claims: cohorts.claims })
    }
    for (const [service, { claims }] of this.experiments.running) {
      if (claims?.isShared === true) all.push({ service: experimentKey(service), claims })
    }
    return all
  }

  /** Whether cohorts of any of them may wait for feedback that are not known here yet, see `FollowedCohorts`. */
  get isDeaf(): boolean {
    const monotonicNow = this.#deps.clock.monotonic()
    for (const { cohorts } of this.rollouts.running.values()) {
      if (cohorts instanceof FollowedCohorts && cohorts.isDeaf(monotonicNow)) return true
    }
    for (const { followers } of this.experiments.running.values()) {
      if (followers.some(({ followed }) => followed?.isDeaf(monotonicNow))) return true
    }
    return false
  }

  /** See `Evaluator.label`. */
  label(prediction: Prediction, label: number): BookedLabel {
    const { service } = prediction
    const runner = this.rollouts.running.get(service)
    if (runner !== undefined) return runner.cohorts.label(prediction, label)
    return this.experiments.running.get(service)?.feedback.label(prediction, label) ?? LATE
  }

  /** See `Evaluator.event`. */
  readonly event: BookEvent = (prediction, ...told) => {
    const { service } = prediction
    const runner = this.rollouts.running.get(service)
    if (runner !== undefined) return runner.cohorts.event(prediction, ...told)
    const experiment = this.experiments.running.get(service)
    return experiment?.feedback.event(prediction, ...told) ?? lateEvent(told[0])
  }

  /** Takes up and ends what waits for the store; rejects with the first failure. Null: nothing waits. */
  settle(): Promise<unknown> | null {
    const waiting = [this.rollouts.settle(), this.experiments.settle()].filter((w) => w !== null)
    return waiting.length === 0 ? null : Promise.all(waiting)
  }

  #begin(start: RunnerStart): RolloutRunner {
    return new RolloutRunner(this.#runnerDeps(start.plan.service), start)
  }

  /** Throws a sentence where the configuration cannot go with what is stored. */
  #mustGoOn({ plan, record, past }: RunnerStart): void {
    const { pending } = takeUp(plan, record, { now: this.#deps.clock.now(), past })
    if (pending?.refused !== undefined) throw new Error(pending.refused)
  }

  async #openExperiment({ plan, book }: Experiment): Promise<ExperimentRunner> {
    const deps = buildExperimentDeps(plan.service, this.#deps, this.#runnerDeps(plan.service))
    const runner = new ExperimentRunner(deps, plan, book)
    await runner.open()
    return runner
  }
}
