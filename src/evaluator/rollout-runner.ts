import type { Command, Decision } from '../domain/decision.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { Observation } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { carryRollback, stepAfterTrip } from '../rollout/breaker-trip.ts'
import { beginsToAnswer } from '../rollout/mirror-step.ts'
import { step } from '../rollout/step.ts'
import { isCompared, stay, type Transition } from '../rollout/transition.ts'
import { viewOf, type RolloutView } from '../rollout/view.ts'
import { emptyEvidence } from '../statistics/empty-evidence.ts'
import { buildChange } from './build-change.ts'
import { CohortCycle } from './cohort-cycle.ts'
import { carryOut, storeFailed, whyNotHere } from './command-results.ts'
import { CommitError } from './commit-error.ts'
import { endCycle } from './end-cycle.ts'
import { Following } from './following.ts'
import { moveBooks } from './move-books.ts'
import { Observer, type Look } from './observe.ts'
import { OneByOne } from './one-by-one.ts'
import { describeUntaken, refusalUnder, takePlan, type KnownRollout } from './plan-changes.ts'
import type { TrafficInput } from './read-traffic.ts'
import { readStored } from './read-stored.ts'
import { Rest } from './rest.ts'
import type { RunnerDeps, RunnerResult, RunnerStart } from './runner-deps.ts'
import { takeUp, type Pending } from './take-up.ts'

/**
 * One service's rollout as it lives: cohorts turn, evidence is folded, the pure `step` decides, and what it decided
 * is stored before the data plane acts on it. Evaluations, commands and reloads of a service never overlap.
 */
export class RolloutRunner {
  readonly #deps: RunnerDeps
  #plan: RolloutPlan
  #book: ServiceBook
  #state: RolloutState
  #stored: RolloutState | null
  #cycle: CohortCycle
  readonly #observer: Observer
  readonly #following: Following
  /** Of the attempt that runs. */
  #seen: Observation | null = null
  #lastDecision: Decision | null
  #turnAt = 0
  /** Lease under which this process knows what is stored: while it holds, nobody else has written. */
  #token: number | null = null
  /** A write was not answered: it may be stored all the same. */
  #isUnsure = false
  #warmUntil: number
  // To be stored before all else. It keeps the canary's weight or takes all of it, so it is gone by already.
  #pending: Pending | null
  readonly #oneByOne = new OneByOne()
  readonly #rest = new Rest()

  constructor(deps: RunnerDeps, start: RunnerStart) {
    const { plan, book, record, past } = start
    const now = deps.clock.now()
    const { state, pending, restored } = takeUp(plan, record, { now, past })
    this.#deps = deps
    this.#observer = new Observer(deps.fetchProvider)
    this.#following = new Following(deps)
    ;[this.#plan, this.#book] = [plan, book]
    this.#lastDecision = start.lastDecision
    this.#stored = record?.state ?? null
    ;[this.#state, this.#pending] = [state, pending]
    this.#cycle = new CohortCycle(plan, state, book, now, restored)
    this.#warmUntil = now + plan.spec.analysis.warmUpMs
    deps.apply(this.state)
  }

  get state(): RolloutState {
    return this.#pending?.state ?? this.#state
  }

  /** The rollout as people ask for it. */
  view(): RolloutView {
    return viewOf(this.#plan, this.state, this.#seen, this.#lastDecision)
  }

  /** What a forecast is made from. Evidence of an attempt that is to end answers other questions. */
  reading(now: number): TrafficInput {
    const isOver = this.#pending?.resetEvidence === true
    const evidence = isOver ? emptyEvidence('', this.#plan.hypotheses, 0) : this.#cycle.evidence
    return { plan: this.#plan, state: this.state, evidence, book: this.#book, now }
  }

  /** One evaluation: what it decided is stored and applied when it resolves. Null: all is done. Never rejects. */
  tick(): Promise<unknown> | null {
    return this.#oneByOne.runNow(this.#evaluate)?.catch(this.#failed) ?? null
  }

  /** Carries out an operator's command; `ifMatch` = the revision that it was given for, null = any. */
  command(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    const failed = storeFailed(this.#deps.onError, `${command.verb} of ${this.#plan.service}`)
    return this.#oneByOne.run(() => this.#obey(command, ifMatch)).catch(failed)
  }

  /** Why the rollout cannot go on under another plan; null when it can. */
  refusal(plan: RolloutPlan): Promise<string | null> {
    const anew = () => this.#follow(false)
    return this.#oneByOne.run(() => refusalUnder(this.#deps, plan, () => this.#known, anew))
  }

  /** Goes on under another plan, whatever the store takes of it now. `refusal` must have been asked first. */
  reconfigure(plan: RolloutPlan, book: ServiceBook, actor: string): Promise<void> {
    return this.#oneByOne.run(async () => {
      const next = await takePlan(this.#deps, plan, this.#known, actor)
      this.#plan = plan
      this.#book = book
      if (next.resetEvidence) book.useLedger(null, '')
      else this.#cycle.replan(plan, book)
      // All of it is read again before anything is stored.
      if (next.refused !== undefined) this.#stored = this.#token = null
      this.#goBy(next)
      await this.#takesLead()
    })
  }

  /** What the store has not taken up of the plan, as a sentence; null = nothing. */
  get untaken(): string | null {
    return describeUntaken(this.#plan, this.#stored, this.#pending, this.#deps.follows())
  }

  /** The cohorts of the attempt that runs, as feedback and keys meet them. */
  get cohorts(): Pick<CohortCycle, 'label' | 'event' | 'claims'> {
    return this.#following.cohorts ?? this.#cycle
  }

  /** Its part in what another process decides. */
  get follower(): ReturnType<Following['follower']> {
    return this.#following.follower(this.#plan, this.#state, this.#book, this.#known)
  }

  /** Folds and stores what there is, for a clean end; false = nobody knows yet who may store it. */
  flush(): Promise<boolean> {
    return this.#oneByOne.run(async () => {
      if (!(await this.#takesLead()))
        return this.#pending?.refused !== undefined || this.#deps.follows()
      await endCycle(this.#cycle, this.#state, this.#deps)
      await this.#commit(stay(this.#state))
      return true
    })
  }

  get #known(): KnownRollout {
    return { stored: this.#stored, pending: this.#pending, isUnsure: this.#isUnsure }
  }

  // Most evaluations wait for nothing: of many services, promises would be most of the work.
  readonly #evaluate = (): Promise<unknown> | null => {
    const isKnown = this.#deps.lease()?.token === this.#token && !this.#isUnsure
    if (isKnown && this.#following.cohorts === null && this.#pending === null) return this.#decide()
    return this.#takesLead().then((leads) => (leads ? this.#decide() : null))
  }

  readonly #failed = (error: unknown): void =>
    this.#deps.onError(`evaluation of ${this.#plan.service}`, error)

  /** Null: nothing has to be stored, and nobody else to be waited for. */
  #decide(): Promise<unknown> | null {
    const [{ clock, others }, now] = [this.#deps, this.#deps.clock.now()]
    const isTurn = now - this.#turnAt >= this.#plan.spec.analysis.intervalMs
    if (isTurn) this.#turn(now, true)
    else if (!others.areThere() && this.#rest.lasts(this.#looked(now))) return null
    const gathered = this.#cycle.gather(others, now, clock.monotonic())
    return gathered?.then(() => this.#judge(now, isTurn)) ?? this.#judge(now, isTurn)
  }

  #judge(now: number, isTurn: boolean): Promise<unknown> | null {
    const [state, { clock, others }] = [this.#state, this.#deps]
    const folded = this.#cycle.fold(state, now, clock.monotonic())
    const looked = this.#looked(now)
    const { evidence, isNews, seen } = this.#observer.measure(looked, isTurn)
    this.#cycle.amend(evidence)
    this.#seen = seen
    const transition = stepAfterTrip(this.#plan, state, seen, others.trip(state))
    if (isTurn && transition.decision === null) this.#deps.onTurn(state, seen.reports)
    this.#rest.begin(looked, transition.state, this.#cycle.isIdle ? this.#warmUntil : null)
    if (!folded && !isNews && transition.state === state) return null
    const committed = this.#commit(transition)
    if (transition.state.phase !== 'rolled-back') return committed
    return committed.catch((error: unknown) => {
      // A store that is away must not keep a bad canary in front of users.
      this.#goBy(transition)
      throw error
    })
  }

  /** Knows what is stored, and stores what is pending. True where this process decides. */
  async #takesLead(): Promise<boolean> {
    const lease = this.#deps.lease()
    const isNews = lease === null || lease.token !== this.#token
    if (isNews || this.#isUnsure) await this.#follow(lease !== null && isNews)
    if (lease === null) {
      // Books what is served here into the cohorts of who decides.
      if (this.#stored !== null) await this.#following.turn(this.#plan, this.state, this.#book)
      if (this.state.weightBp > 0) this.#protect((reason) => reason === 'breaker')
      return false
    }
    this.#token = lease.token
    if (this.#pending?.refused !== undefined) return false
    if (this.#following.end()) this.#cycle.replan(this.#plan, this.#book)
    if (this.#pending !== null) await this.#commit(this.#pending)
    this.#pending = null
    return true
  }

  /** Goes on from the store, where whoever decided meanwhile has left state and evidence. */
  async #follow(readsAll: boolean): Promise<void> {
    const known = readsAll ? null : (this.#stored?.revision ?? null)
    const { store, clock } = this.#deps
    const found = await readStored(store, this.#plan, known, clock.now).catch((error: unknown) => {
      this.#protect()
      throw error
    })
    this.#isUnsure = false
    if (found === null) return
    const { record, state, pending, restored, lastDecision } = found
    moveBooks(this.#book, this.#state, state)
    this.#stored = record.state
    if (rolloutId(state) !== rolloutId(this.#state)) this.#seen = null
    this.#state = state
    this.#lastDecision = lastDecision
    this.#pending = carryRollback(this.#pending, record.state) ?? pending
    this.#cycle = new CohortCycle(this.#plan, state, this.#book, clock.now(), restored)
    this.#deps.apply(this.state)
  }

  /** Without the store nothing can be decided; a canary that has to go gets nothing here all the same. */
  #protect(isReason: (reason: string) => boolean = () => true): void {
    if (this.#pending?.state.weightBp === 0) return
    const next = step(this.#plan, this.state, this.#observer.observe(this.#looked()))
    if (next.decision?.action === 'rollback' && isReason(next.decision.reason)) this.#goBy(next)
  }

  async #obey(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    if (!(await this.#takesLead())) return whyNotHere(this.#deps.lease(), this.#pending?.refused)
    this.#seen = this.#observer.observe(this.#looked())
    const next = carryOut(this.#plan, this.#state, this.#seen, command, ifMatch)
    return 'ok' in next ? next : { ok: true, decision: await this.#commit(next) }
  }

  #goBy(pending: Pending): void {
    const isMoved = pending.state.weightBp !== this.state.weightBp
    this.#pending = pending
    if (pending.resetEvidence) this.#seen = null
    if (isMoved) this.#cycle.turn(this.state, this.#deps.clock.now(), false)
    this.#deps.apply(this.state)
  }

  async #commit(transition: Transition): Promise<Decision | null> {
    const [lease, { onTurn, store }] = [this.#deps.lease(), this.#deps]
    if (lease === null) throw new CommitError({ reason: 'fenced' })
    const [plan, stored, cohorts] = [this.#plan, this.#stored, this.#cycle.changes()]
    const [reports, now] = [this.#seen?.reports ?? [], this.#deps.clock.now()]
    const context = { plan, stored, known: this.#state, lease, reports, now, cohorts }
    this.#isUnsure = true
    const result = await store.commit(buildChange(transition, context))
    this.#isUnsure = false
    if (!result.ok) {
      this.#token = null
      throw new CommitError(result)
    }
    if (!transition.resetEvidence) this.#cycle.stored(cohorts)
    if (transition.decision !== null && reports.length > 0) onTurn(this.#state, reports)
    this.#adopt(transition)
    const { decision } = result
    if (decision !== null) this.#deps.onDecision((this.#lastDecision = decision))
    return decision
  }

  #adopt({ state, resetEvidence, resetRatio }: Transition): void {
    const [before, now] = [this.#state, this.#deps.clock.now()]
    this.#stored = this.#state = state
    const isMoved = moveBooks(this.#book, before, state, resetEvidence)
    if (resetEvidence) this.#seen = null
    if (resetEvidence) this.#cycle = new CohortCycle(this.#plan, state, this.#book, now, null)
    if (resetRatio) this.#cycle.resetRatio()
    if (!isMoved && state.phase === before.phase) return
    if (beginsToAnswer(this.#plan.steps, before, state)) {
      this.#warmUntil = now + this.#plan.spec.analysis.warmUpMs
    }
    // The new weights and the cohort that stands for them begin in the same turn of the event loop.
    this.#turn(now, false)
    this.#deps.apply(state)
  }

  #turn(now: number, byInterval: boolean): void {
    this.#book.fade((this.#turnAt = now))
    const judged = now >= this.#warmUntil && isCompared(this.#state)
    this.#cycle.turn(this.state, now, judged, byInterval, 0, this.#deps.others)
  }

  #looked(now = this.#deps.clock.now()): Look {
    const { plan, state, evidence, book } = this.reading(now)
    const [{ others }, warmUp] = [this.#deps, now < this.#warmUntil]
    // Written out: a spread with keys added to it costs microseconds, of each service at each look.
    return { plan, state, evidence, book, sight: this.#deps, others, now, warmUp }
  }
}
