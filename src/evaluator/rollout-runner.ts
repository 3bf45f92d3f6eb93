import type { Command, Decision, DecisionDraft } from '../domain/decision.ts'
import type { Prediction } from '../domain/prediction.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { draftDecision } from '../rollout/draft-decision.ts'
import { countLimitTicks } from '../rollout/limits.ts'
import type { Observation } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { reconcile } from '../rollout/reconcile.ts'
import { step } from '../rollout/step.ts'
import { stay, type Refusal, type Transition } from '../rollout/transition.ts'
import { viewOf, type RolloutView } from '../rollout/view.ts'
import { CohortCycle } from './cohort-cycle.ts'
import { CommitError } from './commit-error.ts'
import { limitsOf, observe } from './observe.ts'
import type { RunnerDeps, RunnerResult, RunnerStart } from './runner-deps.ts'

/**
 * One service's rollout as it lives: cohorts turn, evidence is folded, the pure `step` decides, and
 * what it decided is in the store before the data plane acts on it. Evaluations, commands and reloads
 * of a service never overlap.
 */
export class RolloutRunner {
  readonly #deps: RunnerDeps
  #plan: RolloutPlan
  #book: ServiceBook
  #state: RolloutState
  #storedRevision: number | null
  #cycle: CohortCycle
  #seen: Observation | null = null
  #lastDecision: Decision | null
  #turnAt = 0
  /** This process decided last time it looked, so what it knows is what is stored. */
  #led = false
  #warmUntil: number
  /** A rollback could not be stored: this process gives the canary nothing until it is. */
  #stopped = false
  /** The configuration's transition that the store does not have yet. */
  #pending: Transition | null
  #queue: Promise<unknown> = Promise.resolve()

  constructor(deps: RunnerDeps, start: RunnerStart) {
    const { plan, book, record } = start
    const now = deps.clock.now()
    const first = reconcile(plan, record?.state ?? null, {
      now,
      rolledBackAt: start.rolledBackAt,
      actor: 'configuration',
    })
    if ('refused' in first) throw new Error(first.detail)
    const goesOn = record !== null && !first.resetEvidence
    this.#deps = deps
    this.#plan = plan
    this.#book = book
    this.#lastDecision = start.lastDecision
    this.#storedRevision = record?.state.revision ?? null
    this.#state = goesOn ? record.state : first.state
    this.#pending = first.state === record?.state ? null : first
    this.#cycle = new CohortCycle(plan, this.#state, book, now, goesOn ? record : null)
    this.#warmUntil = now + plan.spec.analysis.warmUpMs
    deps.apply(this.#state)
  }

  get state(): RolloutState {
    return this.#stopped ? { ...this.#state, weightBp: 0 } : this.#state
  }

  /** The rollout as people ask for it. */
  view(): RolloutView {
    return viewOf(this.#plan, this.state, this.#seen, this.#lastDecision)
  }

  /** One evaluation. Resolves when what it decided is stored and applied; never rejects. */
  tick(): Promise<void> {
    return this.#alone(() => this.#evaluate()).catch((error: unknown) => {
      this.#deps.onError(`evaluation of ${this.#plan.service}`, error)
    })
  }

  /** Carries out an operator's command; `ifMatch` = the revision that it was given for, null = any. */
  command(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    return this.#alone(() => this.#obey(command, ifMatch))
  }

  /** Why the rollout cannot go on under another plan; null when it can. */
  refusal(plan: RolloutPlan): string | null {
    const next = this.#reconciled(plan, 'configuration', null)
    return 'refused' in next ? next.detail : null
  }

  /** Goes on under another plan. `refusal` must have been asked first. */
  reconfigure(
    plan: RolloutPlan,
    book: ServiceBook,
    by: { readonly actor: string; readonly rolledBackAt: number | null },
  ): Promise<void> {
    return this.#alone(async () => {
      const next = this.#reconciled(plan, by.actor, by.rolledBackAt)
      if ('refused' in next) throw new Error(next.detail)
      this.#plan = plan
      this.#book = book
      if (!next.resetEvidence) this.#cycle.replan(plan, book)
      else book.useLedger(null, '')
      this.#pending = next
      this.#deps.apply(this.state)
      if (this.#deps.lease() !== null) await this.#commitPending()
    })
  }

  /** Books a label into the cohort of its request. */
  label(prediction: Prediction, label: number): ReturnType<CohortCycle['label']> {
    return this.#cycle.label(prediction, label)
  }

  /** Stores what is folded but not stored yet; for a clean end. */
  flush(): Promise<void> {
    return this.#alone(async () => {
      if (this.#deps.lease() !== null && this.#pending === null)
        await this.#commit(stay(this.#state))
    })
  }

  async #evaluate(): Promise<void> {
    const leads = this.#deps.lease() !== null
    // Whoever decided meanwhile has left state and evidence in the store: go on from there.
    if (!leads || !this.#led) await this.#follow()
    this.#led = leads
    if (!leads) return
    if (this.#pending !== null) await this.#commitPending()
    const now = this.#deps.clock.now()
    const isTurn = now - this.#turnAt >= this.#plan.spec.analysis.intervalMs
    if (isTurn) this.#turn(now)
    const folded = this.#cycle.fold(now, this.#deps.clock.monotonic())
    if (isTurn) this.#countLimits()
    this.#seen = this.#observe(now)
    const transition = step(this.#plan, this.#state, this.#seen)
    if (!folded && transition.state === this.#state) return
    await this.#commitOrStop(transition)
  }

  async #follow(): Promise<void> {
    const record = await this.#deps.store.readRollout(this.#plan.service)
    if (record === null || record.state.revision === this.#storedRevision) return
    const now = this.#deps.clock.now()
    this.#storedRevision = record.state.revision
    const next = reconcile(this.#plan, record.state, {
      now,
      rolledBackAt: null,
      actor: 'configuration',
    })
    if ('refused' in next) throw new Error(next.detail)
    this.#state = record.state
    this.#pending = next.state === record.state ? null : next
    this.#cycle = new CohortCycle(this.#plan, record.state, this.#book, now, record)
    this.#deps.apply(this.state)
  }

  async #obey(command: Command, ifMatch: number | null): Promise<RunnerResult> {
    if (ifMatch !== null && ifMatch !== this.#state.revision) {
      const detail = `the rollout is at revision ${this.#state.revision}, not ${ifMatch}: read it again`
      return { ok: false, code: 'SERIN_STALE_REVISION', detail }
    }
    if (this.#deps.lease() === null) {
      const detail = 'another process holds the lease to decide on this store: ask that one'
      return { ok: false, code: 'SERIN_REFUSED', detail }
    }
    try {
      if (this.#pending !== null) await this.#commitPending()
      this.#seen = this.#observe(this.#deps.clock.now())
      const transition = step(this.#plan, this.#state, this.#seen, command)
      if ('refused' in transition) {
        return { ok: false, code: 'SERIN_REFUSED', detail: transition.detail }
      }
      if (transition.decision === null) return { ok: true, decision: null }
      return { ok: true, decision: await this.#commit(transition) }
    } catch (error) {
      this.#deps.onError(`${command.verb} of ${this.#plan.service}`, error)
      return { ok: false, code: 'SERIN_STORE_FAILED', detail: 'the store did not take the change' }
    }
  }

  async #commitPending(): Promise<void> {
    const pending = this.#pending!
    await this.#commit(pending)
    this.#pending = null
  }

  async #commitOrStop(transition: Transition): Promise<void> {
    try {
      await this.#commit(transition)
      this.#stopped = false
    } catch (error) {
      // A store that is away must not keep a bad canary in front of users.
      if (transition.state.phase === 'rolled-back' && !this.#stopped) {
        this.#stopped = true
        this.#cycle.turn(this.state, this.#deps.clock.now(), false)
        this.#deps.apply(this.state)
      }
      throw error
    }
  }

  async #commit(transition: Transition): Promise<Decision | null> {
    const { state, resetEvidence } = transition
    const changes = this.#cycle.changes()
    const draft = this.#draftOf(transition)
    const result = await this.#deps.store.commit({
      service: this.#plan.service,
      expectedRevision: this.#storedRevision,
      lease: this.#deps.lease()!,
      ...(state.revision === this.#storedRevision ? {} : { state }),
      ...(draft === null ? {} : { decision: draft }),
      ...(resetEvidence
        ? { resetEvidence: true }
        : {
            evidence: this.#cycle.evidence,
            putCohorts: changes.put,
            dropCohorts: changes.drop,
            putUnits: changes.units,
          }),
    })
    if (!result.ok) {
      this.#led = false
      throw new CommitError(result)
    }
    if (!resetEvidence) this.#cycle.stored(changes)
    this.#storedRevision = state.revision
    this.#adopt(transition)
    if (result.decision !== null) {
      this.#lastDecision = result.decision
      this.#deps.onDecision(result.decision)
    }
    return result.decision
  }

  #adopt({ state, resetEvidence, resetRatio }: Transition): void {
    const before = this.#state
    const now = this.#deps.clock.now()
    this.#state = state
    if (resetEvidence) {
      this.#book.beginAttempt()
      this.#cycle = new CohortCycle(this.#plan, state, this.#book, now, null)
    }
    if (resetRatio) this.#cycle.resetRatio()
    const moved = state.weightBp !== before.weightBp || state.step !== before.step || resetEvidence
    if (!moved && state.phase === before.phase) return
    if (moved) this.#book.beginStep()
    if (before.weightBp === 0 && state.weightBp > 0) {
      this.#warmUntil = now + this.#plan.spec.analysis.warmUpMs
    }
    // The new weights and the cohort that stands for them begin in the same turn of the event loop.
    this.#turn(now)
    this.#deps.apply(state)
  }

  #turn(now: number): void {
    this.#turnAt = now
    this.#book.fade(now)
    this.#cycle.turn(this.state, now, now >= this.#warmUntil)
  }

  #countLimits(): void {
    const { evidence } = this.#cycle
    const limits = limitsOf(this.#plan, this.#state, evidence, this.#book)
    if (limits.length === 0) return
    this.#cycle.amend({ ...evidence, limitTicks: countLimitTicks(evidence.limitTicks, limits) })
  }

  #observe(now: number): Observation {
    return observe({
      plan: this.#plan,
      state: this.#state,
      evidence: this.#cycle.evidence,
      book: this.#book,
      reachability: this.#deps.reachability,
      now,
      warmUp: now < this.#warmUntil,
    })
  }

  #reconciled(plan: RolloutPlan, actor: string, rolledBackAt: number | null): Transition | Refusal {
    return reconcile(plan, this.#state, { now: this.#deps.clock.now(), rolledBackAt, actor })
  }

  #draftOf(transition: Transition): DecisionDraft | null {
    return draftDecision(transition, {
      plan: this.#plan,
      from: this.#state,
      reports: this.#seen?.reports ?? [],
      now: this.#deps.clock.now(),
    })
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }
}
