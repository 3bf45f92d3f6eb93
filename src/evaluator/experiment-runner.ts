import type { Command, Decision } from '../domain/decision.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { UnitClaims } from '../metrics/unit-claims.ts'
import {
  experimentId,
  obeyExperiment,
  reconcileExperiment,
  winnerOf,
  type ExperimentState,
} from '../rollout/experiment.ts'
import type { ExperimentPlan } from '../rollout/experiment-plan.ts'
import type { ExperimentView } from '../rollout/experiment-view.ts'
import type { ExperimentTransition } from '../rollout/experiment-record.ts'
import type { RolloutRecord } from '../store/store.ts'
import { DECIDED_ELSEWHERE, refusedBy, stale, STORE_FAILED } from './command-results.ts'
import { CommitError } from './commit-error.ts'
import { ComparedFeedback } from './compared-feedback.ts'
import type { ComparisonCycle } from './comparison-cycle.ts'
import { Comparisons } from './comparisons.ts'
import { draftExperiment } from './draft-experiment.ts'
import { OneByOne } from './one-by-one.ts'
import { isElsewhere, readExperiment } from './read-experiment.ts'
import type { Follower } from './replica-voice.ts'
import type { ExperimentDeps, RunnerResult } from './runner-deps.ts'
import { shownState } from './shown-state.ts'
import { storedDecision, type Unanswered } from './stored-decision.ts'

/**
 * One service's fixed split as it lives: each challenger is compared with the baseline, an operator
 * promotes one of them or takes it back. Nothing is ever moved by the evidence. Evaluations, commands
 * and reloads of a service never overlap.
 */
export class ExperimentRunner {
  readonly #deps: ExperimentDeps
  #plan: ExperimentPlan
  #book: ServiceBook
  #state: ExperimentState
  /** What the store has; null = nothing. */
  #stored: ExperimentState | null = null
  #comparisons: Comparisons | null = null
  #lastDecision: Decision | null = null
  #turnAt = 0
  #warmUntil: number
  /** Lease under which this process knows what is stored: while it holds, nobody else has written. */
  #token: number | null = null
  #unanswered: Unanswered | null = null
  /** What has to be stored before anything else: what the configuration makes of the stored state. */
  #pending: ExperimentTransition | null = null
  readonly #oneByOne = new OneByOne()

  constructor(deps: ExperimentDeps, plan: ExperimentPlan, book: ServiceBook) {
    const now = deps.clock.now()
    this.#deps = deps
    this.#plan = plan
    this.#book = book
    this.#warmUntil = now + plan.warmUpMs
    this.#state = reconcileExperiment(plan, null, { now, actor: 'configuration' }).state
  }

  /** Takes up what is stored; the data plane has its weights when this resolves. */
  async open(): Promise<void> {
    await this.#load()
  }

  /** The experiment as people ask for it. */
  view(): ExperimentView {
    const now = this.#deps.clock.now()
    return {
      id: this.id,
      state: shownState(this.#state, this.#stored, this.#deps.follows()),
      winner: winnerOf(this.#plan, this.#state),
      comparisons: this.#all.map((c) => c.report(now)),
      lastDecision: this.#lastDecision,
    }
  }

  /** One evaluation. Resolves when what it folded is stored; never rejects. */
  tick(): Promise<void> {
    return this.#oneByOne
      .run(() => this.#evaluate())
      .catch((error: unknown) => {
        this.#deps.onError(`evaluation of ${this.#plan.service}`, error)
      })
  }

  /** Carries out an operator's command; `ifMatch` = the revision that it was given for, null = any. */
  command(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    return this.#oneByOne.run(() => this.#obey(command, ifMatch))
  }

  /** Goes on under another plan. */
  reconfigure(plan: ExperimentPlan, book: ServiceBook, actor: string): Promise<void> {
    return this.#oneByOne.run(async () => {
      const now = this.#deps.clock.now()
      const next = reconcileExperiment(plan, this.#state, { now, actor })
      const resetEvidence = next.resetEvidence || this.#pending?.resetEvidence === true
      // What the store does not have yet is carried over.
      const decision = next.decision ?? this.#pending?.decision ?? null
      this.#plan = plan
      this.#book = book
      if (next.state !== this.#state || this.#pending !== null) {
        this.#pending = { ...next, decision, resetEvidence, ended: this.#pending?.ended ?? null }
      }
      if (resetEvidence) {
        this.#begin(next.state, new Map())
        // What is stored of the comparisons has to be known before it is replaced.
        this.#token = null
      } else this.#replan(next.state)
      this.#deps.apply(winnerOf(plan, next.state))
      // Who decides may have stored what this file makes of it before: that is read and gone on from.
      if (this.#deps.follows()) this.#stored = null
      await this.#takesLead()
    })
  }

  /** Where labels and events of its requests are booked. */
  get feedback(): ComparedFeedback {
    return new ComparedFeedback(this.#plan.service, this.id, this.#all)
  }

  /** Its part in what another process decides. */
  get followers(): readonly Follower[] {
    const departs = this.#stored === null || this.#pending !== null
    return this.#all.map((each) => each.follower(departs))
  }

  /** Keys that others may have judged before; null = nothing is compared. */
  get claims(): UnitClaims | null {
    return this.#comparisons?.claims ?? null
  }

  /** Folds and stores what there is, for a clean end; false = nobody knows yet who may store it. */
  flush(): Promise<boolean> {
    return this.#oneByOne.run(async () => {
      if (!(await this.#takesLead())) return this.#deps.follows()
      await this.#comparisons?.end()
      await this.#commitComparisons()
      return true
    })
  }

  /** What the store has not taken up of the plan, as a sentence; null = nothing. */
  get untaken(): string | null {
    if (this.#pending === null || this.#deps.follows()) return null
    return `services.${this.#plan.service}: its fixed split goes on by the new file when the store has taken it`
  }

  get #all(): readonly ComparisonCycle[] {
    return this.#comparisons?.all ?? []
  }

  /** `3.1 vs 3.2-small#1` */
  get id(): string {
    return experimentId(this.#plan, this.#state)
  }

  async #evaluate(): Promise<void> {
    if (!(await this.#takesLead())) {
      // Books what is served here into the cohorts of who decides.
      if (this.#stored !== null) await this.#comparisons?.takePart(this.#holds)
      return
    }
    const now = this.#deps.clock.now()
    if (now - this.#turnAt >= this.#plan.intervalMs) this.#turn(now)
    await this.#comparisons?.fold(now)
    await this.#commitComparisons()
  }

  /** No variant has been given all of the traffic. */
  get #holds(): boolean {
    return winnerOf(this.#plan, this.#state) === null
  }

  async #obey(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    try {
      if (!(await this.#takesLead())) return DECIDED_ELSEWHERE
      const { revision } = this.#state
      if (ifMatch !== null && ifMatch !== revision) return stale('split', revision, ifMatch)
      const transition = obeyExperiment(this.#plan, this.#state, command, {
        now: this.#deps.clock.now(),
        isReady: (variant) => this.#deps.reachability(variant).ready,
      })
      if ('refused' in transition) return refusedBy(transition.detail)
      if (transition.decision === null) return { ok: true, decision: null }
      return { ok: true, decision: await this.#commit({ ...transition, ended: null }) }
    } catch (error) {
      this.#deps.onError(`${command.verb} of ${this.#plan.service}`, error)
      return STORE_FAILED
    }
  }

  /** Knows what is stored, and stores what is pending. True where this process decides. */
  async #takesLead(): Promise<boolean> {
    const lease = this.#deps.lease()
    const isNew = lease !== null && lease.token !== this.#token
    if (lease === null || isNew || this.#unanswered !== null) await this.#follow(isNew)
    if (lease === null) return false
    this.#token = lease.token
    this.#comparisons?.lead()
    if (this.#pending !== null) {
      await this.#commit(this.#pending)
      this.#pending = null
    }
    return true
  }

  /** Goes on from the store, where whoever decided meanwhile has left state and evidence. */
  async #follow(readsAll: boolean): Promise<void> {
    const { store } = this.#deps
    if (readsAll || (await isElsewhere(store, this.#plan, this.#stored))) return this.#load()
    this.#unanswered = null
  }

  async #load(): Promise<void> {
    const { store, clock } = this.#deps
    const by = { now: clock.now(), actor: 'configuration' }
    const { stored, next, records } = await readExperiment(store, this.#plan, by)
    this.#stored = stored
    this.#pending = next.state === stored ? null : next
    this.#begin(next.state, records)
    this.#deps.apply(winnerOf(this.#plan, this.#state))
    const [newest = null] = await store.decisions(this.#plan.service, { after: 0, limit: 1 })
    const untold = storedDecision(this.#unanswered, newest)
    ;[this.#unanswered, this.#lastDecision] = [null, newest]
    if (untold !== null) this.#deps.onDecision(untold)
  }

  async #commit(transition: ExperimentTransition): Promise<Decision | null> {
    const lease = this.#deps.lease()
    if (lease === null) throw new CommitError({ reason: 'fenced' })
    const now = this.#deps.clock.now()
    const draft = draftExperiment(transition, {
      ...{ plan: this.#plan, state: this.#state, stored: this.#stored, now },
      comparisons: this.#all,
    })
    this.#unanswered = { decision: draft }
    const result = await this.#deps.store.commit({
      service: transition.state.service,
      expectedRevision: this.#stored?.revision ?? null,
      lease,
      state: transition.state,
      // The keys of an attempt are claimed under its name.
      resetEvidence: transition.resetEvidence,
      ...(draft === null ? {} : { decision: draft }),
    })
    this.#unanswered = null
    if (!result.ok) {
      this.#token = null
      throw new CommitError(result)
    }
    const before = winnerOf(this.#plan, this.#state)
    this.#state = transition.state
    this.#stored = transition.state
    const winner = winnerOf(this.#plan, this.#state)
    if (winner !== before) {
      this.#warmUntil = now + this.#plan.warmUpMs
      // The new weights and the cohort that stands for them begin in the same turn of the event loop.
      this.#turn(now)
      this.#deps.apply(winner)
    }
    if (result.decision !== null) {
      this.#lastDecision = result.decision
      this.#deps.onDecision(result.decision)
    }
    return result.decision
  }

  async #commitComparisons(): Promise<void> {
    const lease = this.#deps.lease()
    if (lease === null) return
    try {
      await this.#comparisons?.commit(lease)
    } catch (error) {
      if (error instanceof CommitError) this.#token = null
      throw error
    }
  }

  #begin(state: ExperimentState, records: ReadonlyMap<string, RolloutRecord | null>): void {
    this.#state = state
    this.#turnAt = 0
    this.#warmUntil = this.#deps.clock.now() + this.#plan.warmUpMs
    const start = { plan: this.#plan, state, records, book: this.#book }
    this.#comparisons = new Comparisons(this.#deps, start, this.#comparisons)
  }

  #replan(state: ExperimentState): void {
    this.#state = state
    this.#comparisons?.replan(this.#plan, this.#book)
    // Who only follows opens nothing of its own.
    if (this.#deps.lease()?.token === this.#token) this.#turn(this.#deps.clock.now())
  }

  #turn(now: number): void {
    this.#turnAt = now
    this.#book.fade(now)
    this.#comparisons?.turn(now, this.#holds, now >= this.#warmUntil)
  }
}
