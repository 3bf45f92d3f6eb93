import type { Command, Decision } from '../domain/decision.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { Observation } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { carryRollback, stepAfterTrip } from '../rollout/breaker-trip.ts'
import { step } from '../rollout/step.ts'
import { isCompared, stay, type Transition } from '../rollout/transition.ts'
import { viewOf, type RolloutView } from '../rollout/view.ts'
import { emptyEvidence } from '../statistics/empty-evidence.ts'
import { abortUnstored, describeUnstored } from './abort-unstored.ts'
import { CohortCycle } from './cohort-cycle.ts'
import { carryOut, storeFailed, whyNotHere } from './command-results.ts'
import { endCycle } from './end-cycle.ts'
import { Following } from './following.ts'
import { moveBooks } from './move-books.ts'
import { lookAt, Observer, type Look } from './observe.ts'
import { OneByOne } from './one-by-one.ts'
import { describeUntaken, refusalUnder, takePlan } from './plan-changes.ts'
import type { TrafficInput } from './read-traffic.ts'
import { Rest } from './rest.ts'
import { RolloutInStore } from './rollout-in-store.ts'
import type { RunnerDeps, RunnerResult, RunnerStart } from './runner-deps.ts'
import { takeUp, type Pending, type TakenUp } from './take-up.ts'
import { Turn } from './turn.ts'
import { warmUntil } from './warm-until.ts'

/**
 * One service's rollout as it lives: cohorts turn, evidence is folded, the pure `step` decides, and what it decided
 * is stored before the data plane acts on it. Evaluations, commands and reloads of a service never overlap.
 */
export class RolloutRunner {
  readonly #deps: RunnerDeps
  #plan: RolloutPlan
  #book: ServiceBook
  #state: RolloutState
  readonly #known: RolloutInStore
  #cycle: CohortCycle
  #observer: Observer
  readonly #following: Following
  /** Of the attempt that runs. */
  #seen: Observation | null = null
  #lastDecision: Decision | null
  #warmUntil: number
  readonly #oneByOne = new OneByOne()
  readonly #rest = new Rest()
  readonly #turns: Turn

  constructor(deps: RunnerDeps, start: RunnerStart) {
    const [{ plan, book, record, past, unstored, lastDecision }, now] = [start, deps.clock.now()]
    const { state, pending, restored } = takeUp(plan, record, { now, past, unstored })
    ;[this.#deps, this.#observer] = [deps, new Observer(deps.fetchProvider)]
    ;[this.#following, this.#turns] = [new Following(deps), new Turn(plan.service)]
    ;[this.#plan, this.#book, this.#state, this.#lastDecision] = [plan, book, state, lastDecision]
    this.#known = new RolloutInStore(deps.store, record?.state ?? null, pending)
    this.#cycle = new CohortCycle(plan, state, book, now, restored)
    this.#warmUntil = now + plan.spec.analysis.warmUpMs
    deps.apply(this.state, this.#known.unstored)
  }

  get state(): RolloutState {
    return this.#known.pending?.state ?? this.#state
  }

  /** The rollout as people ask for it. Who follows knows no figures, whatever it saw when it decided. */
  view(): RolloutView {
    const follows = this.#deps.follows()
    const shown = this.#known.shown(this.state, follows)
    return viewOf(this.#plan, shown, follows ? null : this.#seen, this.#lastDecision)
  }

  /** What a forecast is made from. Evidence of an attempt that is to end answers other questions. */
  reading(now: number): TrafficInput {
    const isOver = this.#known.forgetsEvidence
    const evidence = isOver ? emptyEvidence('', this.#plan.hypotheses, 0) : this.#cycle.evidence
    return { plan: this.#plan, state: this.state, evidence, book: this.#book, now }
  }

  /** One evaluation: what it decided is stored and applied when it resolves. Null: all is done. Never rejects. */
  tick(): Promise<unknown> | null {
    const failed = (error: unknown) =>
      this.#deps.onError(`evaluation of ${this.#plan.service}`, error)
    return this.#oneByOne.runNow(this.#evaluate)?.catch(failed) ?? null
  }

  /** Carries out an operator's command; `ifMatch` = the revision that it was given for, null = any. */
  command(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    const failed = storeFailed(this.#deps.onError, `${command.verb} of ${this.#plan.service}`)
    return this.#oneByOne.run(() => this.#obey(command, ifMatch)).catch(failed)
  }

  /** An abort that cannot be stored by way of another process: in force here at once. Never rejects. */
  abortHere(order: Command, ifMatch: number | null): Promise<RunnerResult> {
    return this.#oneByOne.run(async () => this.#abortHere(order, ifMatch, true))
  }

  /** Why the rollout cannot go on under another plan; null when it can. */
  refusal(plan: RolloutPlan): Promise<string | null> {
    const anew = () => this.#follow()
    return this.#oneByOne.run(() => refusalUnder(this.#deps, plan, this.#known, anew))
  }

  /** Goes on under another plan, whatever the store takes of it now. `refusal` must have been asked first. */
  reconfigure(plan: RolloutPlan, book: ServiceBook, actor: string): Promise<void> {
    return this.#oneByOne.run(async () => {
      const next = await takePlan(this.#deps, plan, this.#known, actor)
      ;[this.#plan, this.#book] = [plan, book]
      // All of it is read again before anything is stored.
      if (this.#known.forgetUnder(next)) this.#cycle = this.#newCycle()
      else if (next.resetEvidence) book.useLedger(null, '')
      else this.#cycle.replan(plan, book)
      this.#goBy(next)
      await this.#takesLead()
    })
  }

  /** What the store has not taken up of the plan, as a sentence; null = nothing. */
  get untaken(): string | null {
    return describeUntaken(this.#plan, this.#known, this.#deps.follows())
  }

  /** A rollback that is in force here and that the store does not have, as a sentence; null = there is none. */
  get unstored(): string | null {
    return describeUnstored(this.state, this.#known, this.#deps.follows())
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
      if (!(await this.#takesLead())) return this.#known.isRefused || this.#deps.follows()
      await endCycle(this.#cycle, this.#state, this.#deps)
      await this.#commit(stay(this.#state))
      return true
    })
  }

  // Most evaluations wait for nothing: of many services, promises would be most of the work.
  readonly #evaluate = (): Promise<unknown> | null => {
    const isSettled = this.#known.isSettledUnder(this.#deps.lease())
    if (isSettled && this.#following.cohorts === null) return this.#decide()
    return this.#takesLead().then((leads) => (leads ? this.#decide() : null))
  }

  /** Null: nothing has to be stored, and nobody else to be waited for. */
  #decide(): Promise<unknown> | null {
    const [{ clock, others, judged }, now] = [this.#deps, this.#deps.clock.now()]
    const isTurn = this.#turns.isDue(now, this.#plan.spec.analysis, judged(), this.#book)
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
    this.#rest.begin(looked, seen, transition.state, this.#warmUntil, this.#cycle.foldsAt)
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
    const [lease, known] = [this.#deps.lease(), this.#known]
    if (!known.isKnownUnder(lease)) await this.#follow()
    if (lease === null) {
      // Books what is served here into the cohorts of who decides.
      if (known.stored !== null) await this.#following.turn(this.#plan, this.state, this.#book)
      if (this.state.weightBp > 0) this.#protect((reason) => reason === 'breaker')
      return false
    }
    known.noteLease(lease)
    if (known.isRefused) return false
    if (this.#following.end()) this.#cycle.replan(this.#plan, this.#book)
    if (known.pending !== null) await this.#commit(known.pending)
    return true
  }

  /** Goes on from the store, where whoever decided meanwhile has left state and evidence. */
  async #follow(): Promise<void> {
    const [{ clock, fetchProvider, lease }, known, before] = [this.#deps, this.#known, this.#state]
    const found = await known.read(this.#plan, lease(), clock.now).catch((error: unknown) => {
      this.#protect()
      throw error
    })
    if (found === null) return
    const { record, state, pending, restored, untold } = found
    moveBooks(this.#book, before, state)
    if (rolloutId(state) !== rolloutId(before)) this.#seen = null
    this.#warmUntil = Math.max(this.#warmUntil, warmUntil(this.#plan, before, state, clock.now()))
    known.pending = (record && carryRollback(known.pending, record.state, before)) ?? pending
    ;[this.#state, this.#lastDecision] = [state, found.lastDecision]
    // What it saw when it decided last, or while it followed, is not what there is now.
    ;[this.#cycle, this.#observer] = [this.#newCycle(restored), new Observer(fetchProvider)]
    this.#deps.apply(this.state, this.#known.unstored)
    if (untold !== null) this.#deps.onDecision(untold)
  }

  /** Without the store nothing can be decided; a canary that has to go gets nothing here all the same. */
  #protect(isReason: (reason: string) => boolean = () => true): void {
    if (this.#known.pending?.state.weightBp === 0) return
    const next = step(this.#plan, this.state, this.#observer.observe(this.#looked()))
    const isMeant = next.decision?.action === 'rollback' && isReason(next.decision.reason)
    if (isMeant) this.#goBy({ ...next, resetEvidence: this.#known.forgetsEvidence })
  }

  async #obey(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    const isAbort = command.verb === 'abort'
    try {
      if (await this.#takesLead()) {
        this.#seen = this.#observer.observe(this.#looked())
        const next = carryOut(this.#plan, this.#state, this.#seen, command, ifMatch)
        return 'ok' in next ? next : { ok: true, decision: await this.#commit(next) }
      }
      if (!isAbort || this.#deps.follows()) return whyNotHere(this.#deps.lease(), this.#known)
    } catch (error) {
      if (!isAbort) throw error
      this.#deps.onError(`abort of ${this.#plan.service}`, error)
    }
    // Nobody may be kept from taking a bad canary off, least of all because the store is away.
    return this.#abortHere(command, ifMatch)
  }

  #abortHere(order: Command, ifMatch: number | null, follows = false): RunnerResult {
    const [shown, now] = [this.#known.shown(this.state, follows), this.#deps.clock.now()]
    const next = abortUnstored(this.#plan, shown, this.#known, order, { now, ifMatch })
    if ('ok' in next) return next
    this.#goBy(next)
    return { ok: true, decision: null }
  }

  #goBy(pending: Pending): void {
    const isMoved = pending.state.weightBp !== this.state.weightBp
    this.#known.pending = pending
    if (pending.resetEvidence) this.#seen = null
    if (isMoved) this.#cycle.turn(this.state, this.#deps.clock.now(), false)
    this.#deps.apply(this.state, this.#known.unstored)
  }

  async #commit(transition: Transition): Promise<Decision | null> {
    const [{ onTurn, clock, lease }, cohorts] = [this.#deps, this.#cycle.changes()]
    const [plan, known, reports] = [this.#plan, this.#state, this.#seen?.reports ?? []]
    const context = { plan, known, lease: lease(), reports, now: clock.now(), cohorts }
    const decision = await this.#known.commit(transition, context)
    if (!transition.resetEvidence) this.#cycle.stored(cohorts)
    if (transition.decision !== null && reports.length > 0) onTurn(this.#state, reports)
    this.#adopt(transition)
    if (decision !== null) this.#deps.onDecision((this.#lastDecision = decision))
    return decision
  }

  #adopt({ state, resetEvidence, resetRatio }: Transition): void {
    const [before, now] = [this.#state, this.#deps.clock.now()]
    this.#state = state
    const isMoved = moveBooks(this.#book, before, state, resetEvidence)
    if (resetEvidence) [this.#seen, this.#cycle] = [null, this.#newCycle()]
    if (resetRatio) this.#cycle.resetRatio()
    if (!isMoved && state.phase === before.phase) return
    this.#warmUntil = Math.max(this.#warmUntil, warmUntil(this.#plan, before, state, now))
    // The new weights and the cohort that stands for them begin in the same turn of the event loop.
    this.#turn(now, false)
    this.#deps.apply(state, null)
  }

  #turn(now: number, byInterval: boolean): void {
    this.#turns.take(now, this.#book)
    const judged = now >= this.#warmUntil && isCompared(this.#state)
    this.#cycle.turn(this.state, now, judged, byInterval, 0, this.#deps.others)
  }

  #newCycle(restored: TakenUp['restored'] = null): CohortCycle {
    return new CohortCycle(this.#plan, this.#state, this.#book, this.#deps.clock.now(), restored)
  }

  #looked(now = this.#deps.clock.now()): Look {
    return lookAt(this.reading(now), this.#deps, now < this.#warmUntil)
  }
}
