import type { Decision } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { DraftContext } from '../rollout/draft-decision.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { DecisionSeed, Transition } from '../rollout/transition.ts'
import type { Lease, Store } from '../store/store.ts'
import { buildChange } from './build-change.ts'
import { CommitError } from './commit-error.ts'
import type { CohortChanges } from './pending-changes.ts'
import type { KnownRollout } from './plan-changes.ts'
import { readStored, type Stored } from './read-stored.ts'
import { shownState } from './shown-state.ts'
import { storedDecision, type Unanswered } from './stored-decision.ts'
import type { Pending } from './take-up.ts'

/** What a process finds that reads it anew. */
type Found = Stored & { readonly untold: Decision | null }

/** What a transition is stored with. */
type CommitContext = Omit<DraftContext, 'from'> & {
  /** Null: this process may not decide any more. */
  readonly lease: Lease | null
  /** The state that the transition was made from. */
  readonly known: RolloutState
  readonly cohorts: CohortChanges
}

/** What one process knows of a rollout in the store, whether it may be another one by now, and what waits to be stored. */
export class RolloutInStore implements KnownRollout {
  stored: RolloutState | null
  /** To be stored before all else. It keeps the canary's weight or takes all of it, so it is gone by already. */
  pending: Pending | null
  readonly #store: Store
  /** Lease under which it is known: while that holds, nobody else has written. */
  #lease: Lease | null = null
  #unanswered: Unanswered | null = null
  /** What was taken up began anew, and the store does not have that yet: nothing that is gathered since is of what it has. */
  #beganAnew: boolean
  /** A read had no answer: the store may come back with older data, and with other decisions under revisions that are known. */
  #wasAway = false

  constructor(store: Store, stored: RolloutState | null, pending: Pending | null) {
    this.#store = store
    this.stored = stored
    this.pending = pending
    this.#beganAnew = pending?.resetEvidence === true
  }

  /** See `shownState`. */
  shown(state: RolloutState, follows: boolean): RolloutState {
    return shownState(state, this.stored, follows)
  }

  /** A write was not answered: it may be stored all the same. */
  get isUnsure(): boolean {
    return this.#unanswered !== null
  }

  /** Whether it is as the store has it, since nobody else may write. */
  isKnownUnder(lease: Lease | null): boolean {
    return lease !== null && lease === this.#lease && !this.isUnsure
  }

  /** Whether, moreover, nothing waits to be stored. */
  isSettledUnder(lease: Lease | null): boolean {
    return this.pending === null && this.isKnownUnder(lease)
  }

  /** Whether the configuration cannot go on from what is stored, so that nothing is decided. */
  get isRefused(): boolean {
    return this.pending?.refused !== undefined
  }

  /** The rollback that is in force here and that the store does not have; null = there is none. */
  get unstored(): DecisionSeed | null {
    const decision = this.pending?.decision ?? null
    return decision?.action === 'rollback' ? decision : null
  }

  /** Whether the store did not answer when it was asked last. */
  get isAway(): boolean {
    return this.#wasAway || this.isUnsure
  }

  /** Whether what was gathered goes with what waits to be stored: it answers none of the questions that are asked now. */
  get forgetsEvidence(): boolean {
    return this.pending?.resetEvidence === true
  }

  /**
   * Whether others may have left what its revision does not tell of: evidence that was not read under this lease, and
   * without one anything, where the store was away. Under the lease of before nobody else has written meanwhile.
   */
  #isNewTo(lease: Lease | null): boolean {
    return lease === null ? this.#wasAway : lease.token !== this.#lease?.token
  }

  /** It has been read under this lease. */
  noteLease(lease: Lease): void {
    this.#lease = lease
  }

  /**
   * All of it has to be read again where the configuration cannot go on from it, or goes on after all from what the one
   * before would have ended. True: nothing that was gathered belongs to it.
   */
  forgetUnder({ refused, resetEvidence }: Pending): boolean {
    const isElsewhere = this.#beganAnew && !resetEvidence
    if (refused === undefined && !isElsewhere) return false
    this.stored = null
    this.#lease = null
    return isElsewhere
  }

  /**
   * Reads it anew, as the plan goes on with it, under the lease of this process (null = another one may decide); null =
   * nothing is new. `untold`: the last decision, where this process has stored it and had no answer. Rejects when the store
   * cannot be asked.
   */
  async read(plan: RolloutPlan, lease: Lease | null, now: () => number): Promise<Found | null> {
    const known = this.#isNewTo(lease) ? null : (this.stored?.revision ?? null)
    this.#wasAway = true
    const found = await readStored(this.#store, plan, { known, leads: lease !== null }, now)
    const untold = storedDecision(this.#unanswered, found?.lastDecision ?? null)
    ;[this.#wasAway, this.#unanswered] = [false, null]
    if (found === null || (found.record === null && this.stored === null)) return null
    this.stored = found.record?.state ?? null
    this.#beganAnew = found.pending?.resetEvidence === true
    return { ...found, untold }
  }

  /**
   * Stores a transition, after which nothing is pending; rejects where another process has written or decides, and where
   * the store does not answer.
   */
  async commit(transition: Transition, context: CommitContext): Promise<Decision | null> {
    const { lease } = context
    if (lease === null) throw new CommitError({ reason: 'fenced' })
    const change = buildChange(transition, { ...context, lease, stored: this.stored })
    this.#unanswered = { decision: change.decision ?? null }
    const result = await this.#store.commit(change)
    this.#unanswered = null
    if (!result.ok) {
      this.#lease = null
      throw new CommitError(result)
    }
    this.stored = transition.state
    this.pending = null
    this.#beganAnew = false
    return result.decision
  }
}
