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
import { drawnShare } from '../rollout/forecast-experiment.ts'
import type { ExperimentTransition } from '../rollout/experiment-record.ts'
import type { RolloutRecord } from '../store/store.ts'
import { tellVerdict } from '../rollout/verdict-news.ts'
import { DECIDED_ELSEWHERE, refusedBy, stale, STORE_FAILED } from './command-results.ts'
import { CommitError } from './commit-error.ts'
import { ComparedFeedback } from './compared-feedback.ts'
import type { ComparisonCycle } from './comparison-cycle.ts'
import { Comparisons } from './comparisons.ts'
import { ExperimentInStore } from './experiment-in-store.ts'
import { OneByOne } from './one-by-one.ts'
import type { ExperimentReading } from './forecast-running.ts'
import type { Follower } from './replica-voice.ts'
import type { ExperimentDeps, RunnerResult } from './runner-deps.ts'
import { shownState } from './shown-state.ts'
import { Turn } from './turn.ts'

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
  readonly #known: ExperimentInStore
  #comparisons: Comparisons | null = null
  #lastDecision: Decision | null = null
  readonly #turns: Turn
  #warmUntil: number
  readonly #oneByOne = new OneByOne()

  constructor(deps: ExperimentDeps, plan: ExperimentPlan, book: ServiceBook) {
    const now = deps.clock.now()
    this.#deps = deps
    this.#plan = plan
    this.#book = book
    this.#turns = new Turn(plan.service)
    this.#known = new ExperimentInStore(deps.store)
    this.#warmUntil = now + plan.warmUpMs
    this.#state = reconcileExperiment(plan, null, { now, actor: 'configuration' }).state
  }

  /** Takes up what is stored; the data plane has its weights when this resolves. */
  async open(): Promise<void> {
    await this.#follow(true)
  }

  /** The experiment as people ask for it. */
  view(): ExperimentView {
    const now = this.#deps.clock.now()
    return {
      id: this.id,
      state: shownState(this.#state, this.#known.stored, this.#deps.follows()),
      winner: winnerOf(this.#plan, this.#state),
      comparisons: this.#all.map((c) => c.report(now)),
      lastDecision: this.#lastDecision,
    }
  }

  /** What a forecast is made from; empty inputs where nothing is compared. */
  reading(now: number): ExperimentReading {
    const plan = this.#plan
    const inputs = this.#all.map((each) => {
      const share = drawnShare(plan.weightsBp, each.variant)
      return { ...each.reading(now), share }
    })
    return { plan, inputs }
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
      const [next, known] = [reconcileExperiment(plan, this.#state, { now, actor }), this.#known]
      const { pending } = known
      const resetEvidence = next.resetEvidence || pending?.resetEvidence === true
      // What the store does not have yet is carried over.
      const decision = next.decision ?? pending?.decision ?? null
      this.#plan = plan
      this.#book = book
      if (next.state !== this.#state || pending !== null) {
        known.pending = { ...next, decision, resetEvidence, ended: pending?.ended ?? null }
      }
      if (resetEvidence) {
        this.#begin(next.state, new Map())
        // What is stored of the comparisons has to be known before it is replaced.
        known.forget()
      } else this.#replan(next.state)
      this.#deps.apply(winnerOf(plan, next.state))
      // Who decides may have stored what this file makes of it before: that is read and gone on from.
      if (this.#deps.follows()) known.stored = null
      await this.#takesLead()
    })
  }

  /** Where labels and events of its requests are booked. */
  get feedback(): ComparedFeedback {
    return new ComparedFeedback(this.#plan.service, this.id, this.#all)
  }

  /** Its part in what another process decides. */
  get followers(): readonly Follower[] {
    return this.#all.map((each) => each.follower(this.#known.departs))
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
    if (this.#known.pending === null || this.#deps.follows()) return null
    return `services.${this.#plan.service}: its fixed split goes on by the new file when the store has taken it`
  }

  /** Whether its variants are compared, so that it is judged. */
  get isJudged(): boolean {
    return this.#all.length > 0 && this.#holds
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
      if (this.#known.stored !== null) await this.#comparisons?.takePart(this.#holds)
      return
    }
    const now = this.#deps.clock.now()
    const judged = this.#deps.judged()
    if (this.#turns.isDue(now, this.#plan, judged, this.#book)) this.#turn(now)
    await this.#comparisons?.fold(now)
    await this.#commitComparisons()
    await this.#tellVerdict(now)
  }

  // Once what it rests on is stored.
  async #tellVerdict(now: number): Promise<void> {
    if (!this.#holds) return
    const said = this.#all.map((each) => each.report(now))
    const news = tellVerdict(this.#plan, this.#state, said)
    if (news !== null) await this.#commit(news)
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
    const [lease, known] = [this.#deps.lease(), this.#known]
    const isNew = lease !== null && known.isNewTo(lease)
    if (!known.isKnownUnder(lease)) await this.#follow(isNew)
    if (lease === null) return false
    known.noteLease(lease)
    this.#comparisons?.lead()
    if (known.pending !== null) {
      await this.#commit(known.pending)
      known.pending = null
    }
    return true
  }

  /** Goes on from the store, where whoever decided meanwhile has left state and evidence. */
  async #follow(readsAll: boolean): Promise<void> {
    const found = await this.#known.read(this.#plan, readsAll, this.#deps.clock.now())
    if (found === null) return
    this.#begin(found.state, found.records, found.margins)
    this.#deps.apply(winnerOf(this.#plan, this.#state))
    this.#lastDecision = found.lastDecision
    if (found.untold !== null) this.#deps.onDecision(found.untold)
  }

  async #commit(transition: ExperimentTransition): Promise<Decision | null> {
    const now = this.#deps.clock.now()
    const [plan, state, lease] = [this.#plan, this.#state, this.#deps.lease()]
    const context = { plan, state, comparisons: this.#all, lease, now }
    const decision = await this.#known.commit(transition, context)
    const before = winnerOf(plan, state)
    this.#state = transition.state
    const winner = winnerOf(this.#plan, this.#state)
    if (winner !== before) {
      this.#warmUntil = now + this.#plan.warmUpMs
      // The new weights and the cohort that stands for them begin in the same turn of the event loop.
      this.#turn(now)
      this.#deps.apply(winner)
    }
    if (decision !== null) this.#deps.onDecision((this.#lastDecision = decision))
    return decision
  }

  async #commitComparisons(): Promise<void> {
    const lease = this.#deps.lease()
    if (lease === null) return
    try {
      await this.#comparisons?.commit(lease)
    } catch (error) {
      if (error instanceof CommitError) this.#known.forget()
      throw error
    }
  }

  #begin(
    state: ExperimentState,
    records: ReadonlyMap<string, RolloutRecord | null>,
    margins = this.#plan.fingerprint.margins,
  ): void {
    this.#state = state
    this.#turns.hasten()
    this.#warmUntil = this.#deps.clock.now() + this.#plan.warmUpMs
    const start = { plan: this.#plan, state, records, margins, book: this.#book }
    this.#comparisons = new Comparisons(this.#deps, start, this.#comparisons)
  }

  #replan(state: ExperimentState): void {
    this.#state = state
    this.#comparisons?.replan(this.#plan, this.#book)
    // Who only follows opens nothing of its own.
    const lease = this.#deps.lease()
    if (lease !== null && !this.#known.isNewTo(lease)) this.#turn(this.#deps.clock.now())
  }

  #turn(now: number): void {
    this.#turns.take(now, this.#book)
    this.#comparisons?.turn(now, this.#holds, now >= this.#warmUntil)
  }
}
