import type { Decision } from '../domain/decision.ts'
import type { ExperimentState } from '../rollout/experiment.ts'
import type { ExperimentPlan } from '../rollout/experiment-plan.ts'
import type { ExperimentTransition } from '../rollout/experiment-record.ts'
import type { Lease, Store } from '../store/store.ts'
import { CommitError } from './commit-error.ts'
import type { ComparisonCycle } from './comparison-cycle.ts'
import { draftExperiment } from './draft-experiment.ts'
import { isElsewhere, readExperiment, type StoredExperiment } from './read-experiment.ts'
import { storedDecision, type Unanswered } from './stored-decision.ts'

/** What a process finds that reads it anew. */
type Found = Pick<StoredExperiment, 'records'> & {
  readonly state: ExperimentState
  /** What the evidence in `records` was gathered under, see `changeableMargins`. */
  readonly margins: string
  readonly lastDecision: Decision | null
  /** The last decision, where this process has stored it and had no answer; null = it is not that. */
  readonly untold: Decision | null
}

/** What a transition is stored with. */
type CommitContext = {
  readonly plan: ExperimentPlan
  /** The state that the transition was made from. */
  readonly state: ExperimentState
  readonly comparisons: readonly ComparisonCycle[]
  /** Null: this process may not decide any more. */
  readonly lease: Lease | null
  readonly now: number
}

/** What one process knows of a fixed split in the store, whether it may be another one by now, and what waits to be stored. */
export class ExperimentInStore {
  /** Null = nothing. */
  stored: ExperimentState | null = null
  /** To be stored before anything else: what the configuration makes of the stored state. */
  pending: ExperimentTransition | null = null
  readonly #store: Store
  /** Lease under which it is known: while that holds, nobody else has written. */
  #lease: Lease | null = null
  #unanswered: Unanswered | null = null

  constructor(store: Store) {
    this.#store = store
  }

  /** Whether it is as the store has it, since nobody else may write, and every write was answered. */
  isKnownUnder(lease: Lease | null): boolean {
    return lease !== null && lease === this.#lease && this.#unanswered === null
  }

  /**
   * Whether what is served here is another split, or another attempt, than the stored one. What is only to be noted of the
   * same (an earlier version of serin left it out) is neither.
   */
  get departs(): boolean {
    const { stored, pending } = this
    if (stored === null || pending === null) return stored === null
    const { phase, canaryVersion, fingerprint } = pending.state
    return (
      pending.resetEvidence ||
      phase !== stored.phase ||
      canaryVersion !== stored.canaryVersion ||
      fingerprint.steps !== stored.fingerprint.steps
    )
  }

  /** Whether others may have left evidence that was not read under this lease. */
  isNewTo({ token }: Lease): boolean {
    return token !== this.#lease?.token
  }

  /** It has been read under this lease. */
  noteLease(lease: Lease): void {
    this.#lease = lease
  }

  /** All of it has to be read again before anything is stored. */
  forget(): void {
    this.#lease = null
  }

  /**
   * Reads it anew, as the plan goes on with it; null = nothing is new. `readsAll`: also where its state is as it is known,
   * since the evidence may be newer. Rejects when the store cannot be asked.
   */
  async read(plan: ExperimentPlan, readsAll: boolean, now: number): Promise<Found | null> {
    const store = this.#store
    if (!readsAll && !(await isElsewhere(store, plan, this.stored))) {
      this.#unanswered = null
      return null
    }
    const by = { now, actor: 'configuration' }
    const { stored, next, records } = await readExperiment(store, plan, by)
    const [newest = null] = await store.decisions(plan.service, { after: 0, limit: 1 })
    const untold = storedDecision(this.#unanswered, newest)
    this.#unanswered = null
    this.stored = stored
    this.pending = next.state === stored ? null : next
    // Of what an earlier version stored they are not known, and mostly they are the same.
    const margins = stored?.fingerprint.margins ?? plan.fingerprint.margins
    return { state: next.state, records, margins, lastDecision: newest, untold }
  }

  /** Stores a transition; rejects where another process has written or decides, and where the store does not answer. */
  async commit(transition: ExperimentTransition, context: CommitContext): Promise<Decision | null> {
    const { lease, ...deciding } = context
    if (lease === null) throw new CommitError({ reason: 'fenced' })
    const draft = draftExperiment(transition, { ...deciding, stored: this.stored })
    this.#unanswered = { decision: draft }
    const result = await this.#store.commit({
      service: transition.state.service,
      expectedRevision: this.stored?.revision ?? null,
      lease,
      state: transition.state,
      // The keys of an attempt are claimed under its name.
      resetEvidence: transition.resetEvidence,
      ...(draft === null ? {} : { decision: draft }),
    })
    this.#unanswered = null
    if (!result.ok) {
      this.#lease = null
      throw new CommitError(result)
    }
    this.stored = transition.state
    return result.decision
  }
}
